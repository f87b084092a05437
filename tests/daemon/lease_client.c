/* A process that borrows a model: for the tests of lending, and bench/lending.py.
 *
 *     lease_client SOCKET MODEL [tokens N] [embed TEXT] [opens N] [file PATH] [hold]
 *
 * opens N      borrow and free so often first, and tell how many seconds each took
 * file PATH    open that instead of borrowing
 * tokens N     generate so many, the likeliest each, and tell them
 * embed TEXT   tell the text's embedding
 * hold         then wait until standard input ends
 * Each result is a line of JSON. Exit code: the quant_status of what failed, with its message on standard error.
 */
#include <quant/quant.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void must(quant_status status) {
    if (status == QUANT_OK) return;
    fprintf(stderr, "%s: %s\n", quant_status_name(status), quant_error_message());
    exit(status);
}

static void print_log(void *user, quant_log_level level, const char *text) {
    (void)user, (void)level;
    fprintf(stderr, "log: %s\n", text);
}

static quant_model *borrow(const char *socket, const char *name) {
    quant_model *model;
    quant_shared_options options;
    quant_shared_options_init(&options, sizeof options);
    options.socket = socket;
    must(quant_model_open_shared(&model, name, &options));
    return model;
}

static void time_opens(const char *socket, const char *name, int count) {
    printf("{\"opens\": [");
    for (int i = 0; i < count; i++) {
        const double start = now();
        quant_model *model = borrow(socket, name);
        printf("%s%.9f", i ? ", " : "", now() - start);
        quant_model_free(model);
    }
    printf("]}\n");
}

static int32_t likeliest(const float *logits, uint32_t count) {
    uint32_t best = 0;
    for (uint32_t i = 1; i < count; i++)
        if (logits[i] > logits[best]) best = i;
    return (int32_t)best;
}

static void generate(const quant_model *model, int count) {
    quant_model_info info = {.size = sizeof info};
    must(quant_model_get_info(model, &info));
    quant_session_options options;
    quant_session_options_init(&options, sizeof options);
    options.context_length = (uint32_t)count + 8;
    quant_session *session;
    must(quant_session_new(&session, model, &options));
    float *logits = malloc(info.vocabulary_size * sizeof *logits);
    if (!logits) exit(QUANT_ERR_NO_MEMORY);
    int32_t token = 1;
    printf("{\"decoding\": true}\n");
    fflush(stdout);
    char *text = malloc((size_t)count * 12 + 16), *at = text;
    if (!text) exit(QUANT_ERR_NO_MEMORY);
    const double start = now();
    for (int i = 0; i < count; i++) {
        must(quant_session_run(session, &token, 1, NULL, logits));
        token = likeliest(logits, info.vocabulary_size);
        at += sprintf(at, "%s%d", i ? ", " : "", token);
    }
    printf("{\"tokens\": [%s], \"seconds\": %.6f}\n", text, now() - start);
    free(text), free(logits);
    quant_session_free(session);
}

static void embed(const quant_model *model, const char *text) {
    const quant_embedding_input input = {.text = text, .text_bytes = strlen(text)};
    quant_embeddings *made;
    must(quant_model_embed(&made, model, &input, 1, NULL));
    quant_embedding e = {.size = sizeof e};
    must(quant_embeddings_get(made, 0, &e));
    printf("{\"embedding\": [");
    for (uint32_t i = 0; i < e.dimensions; i++) printf("%s%.9g", i ? ", " : "", (double)e.values[i]);
    printf("]}\n");
    quant_embeddings_free(made);
}

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const char *file = NULL, *text = NULL;
    int tokens = 0, opens = 0, hold = 0;
    for (int i = 3; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "tokens") == 0) tokens = atoi(value), i++;
        else if (strcmp(argv[i], "opens") == 0) opens = atoi(value), i++;
        else if (strcmp(argv[i], "file") == 0) file = value, i++;
        else if (strcmp(argv[i], "embed") == 0) text = value, i++;
        else if (strcmp(argv[i], "hold") == 0) hold = 1;
        else return 2;
    }
    quant_set_logger(print_log, NULL);
    if (opens > 0) time_opens(argv[1], argv[2], opens);
    const double start = now();
    quant_model *model = NULL;
    if (file) must(quant_model_open(&model, file, NULL));
    else model = borrow(argv[1], argv[2]);
    printf("{\"opened\": %.9f}\n", now() - start);
    fflush(stdout);
    if (tokens > 0) generate(model, tokens);
    if (text) embed(model, text);
    fflush(stdout);
    if (hold) while (getchar() != EOF) {}
    quant_model_free(model);
    return 0;
}
