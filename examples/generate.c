/*
 * Open a model and stream the text it continues a prompt with.
 *
 *     generate MODEL PROMPT [MAX_TOKENS]
 *
 * MODEL is a GGUF file, a Hugging Face folder, or a name that quantctl list shows.
 */
#include <quant/catalog.h>
#include <quant/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *doing) {
    fprintf(stderr, "generate: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

/* Called with each piece of text; it never ends in the middle of a character. */
static int print_text(void *user, const char *text, size_t bytes) {
    (void)user;
    fwrite(text, 1, bytes, stdout);
    return fflush(stdout) != 0; /* Not 0 ends the generation, as when a pipe closes. */
}

/* What the user calls the model becomes the path of its file. */
static quant_status path_of(const char *name, char **path) {
    quant_catalog *catalog = NULL;
    quant_status status = quant_catalog_open(&catalog, NULL);
    if (status == QUANT_OK) status = quant_catalog_resolve(catalog, name, path, NULL);
    quant_catalog_free(catalog);
    return status;
}

static int generate(const quant_model *model, const char *prompt, uint32_t max_tokens) {
    quant_session *session = NULL;
    if (quant_session_new(&session, model, NULL) != QUANT_OK) return failed("session");

    quant_sampling sampling;
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.temperature = 0.7f;
    sampling.seed = 42; /* The same seed gives the same text. */

    quant_generate_options options;
    quant_generate_options_init(&options, sizeof options);
    options.prompt = prompt;
    options.prompt_bytes = strlen(prompt);
    options.max_tokens = max_tokens;
    options.sampling = &sampling;
    options.on_text = print_text;

    quant_generate_result made = {.size = sizeof made};
    const quant_status status = quant_generate(session, &options, &made);
    quant_session_free(session);
    if (status != QUANT_OK) return failed("generation");
    printf("\n");
    fprintf(stderr, "%u tokens read in %.2f s, %u generated in %.2f s\n", made.prompt_tokens, made.prefill_seconds,
            made.generated_tokens, made.decode_seconds);
    return EXIT_SUCCESS;
}

int main(int argc, char **argv) {
    if (argc < 3 || argc > 4) {
        fprintf(stderr, "usage: generate MODEL PROMPT [MAX_TOKENS]\n");
        return 2;
    }
    const int max_tokens = argc > 3 ? atoi(argv[3]) : 48;
    if (max_tokens < 1) {
        fprintf(stderr, "generate: MAX_TOKENS: expected a number of at least 1, found %s\n", argv[3]);
        return 2;
    }
    char *path = NULL;
    quant_model *model = NULL;
    int result = EXIT_FAILURE;
    if (path_of(argv[1], &path) != QUANT_OK) failed("catalog");
    else if (quant_model_open(&model, path, NULL) != QUANT_OK) failed("model");
    else result = generate(model, argv[2], (uint32_t)max_tokens);
    quant_model_free(model);
    quant_string_free(path);
    return result;
}
