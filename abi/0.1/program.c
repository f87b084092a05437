/*
 * A program of version 0.1: compiled with the headers beside it, linked with today's library.
 *
 *     program_of_0_1 MODEL FOLDER
 *
 * It does each thing that the library is for once, with a model that is small, and looks at what comes. Behind each
 * struct that the library fills lie bytes that must stay as they are: a library that knows more fields than this
 * program does must not write them. Frozen, as the headers are.
 */
#include <quant/quant.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(condition)                                                                           \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            failures++;                                                                            \
            printf("%d: not so: %s (%s)\n", __LINE__, #condition, quant_error_message());          \
        }                                                                                          \
    } while (0)
#define OK(call) CHECK((call) == QUANT_OK)

/* A struct named `name`, and what must stay as it is behind it. */
enum { guard_bytes = 512, guard_value = 0xc7 };
#define GUARDED(type, name)                                                                        \
    struct {                                                                                       \
        type value;                                                                                \
        unsigned char guard[guard_bytes];                                                          \
    } name;                                                                                        \
    memset(&name, 0, sizeof name.value), memset(name.guard, guard_value, guard_bytes)
#define RESULT(type, name) GUARDED(type, name); name.value.size = sizeof(type)
#define OPTIONS(type, name) GUARDED(type, name); type##_init(&name.value, sizeof name.value)

static int is_guarded(const unsigned char *guard) {
    for (int i = 0; i < guard_bytes; i++)
        if (guard[i] != guard_value) return 0;
    return 1;
}
#define CHECK_GUARD(name) CHECK(is_guarded(name.guard) && name.value.size == sizeof name.value)

static int count_reports(void *user, const quant_progress *progress) {
    CHECK(progress->size >= sizeof *progress && progress->stage && progress->detail);
    ++*(int *)user;
    return 0;
}

static void buffers(void) {
    float weights[512], decoded[512];
    for (int i = 0; i < 512; i++) weights[i] = sinf((float)i);
    for (size_t i = 0; i < quant_encoding_count(); i++) {
        RESULT(quant_encoding_info, info);
        OK(quant_encoding_get(i, &info.value));
        CHECK_GUARD(info);
        quant_encoding found;
        OK(quant_encoding_find(info.value.name, &found));
        CHECK(found == info.value.id);
        uint64_t bytes = 0;
        OK(quant_encoded_size(found, 1, 512, &bytes));
        unsigned char *encoded = malloc(bytes);
        int reports = 0;
        OPTIONS(quant_encode_options, options);
        CHECK_GUARD(options);
        options.value.progress = count_reports, options.value.user = &reports;
        OK(quant_encode(found, weights, 1, 512, &options.value, encoded, bytes));
        OK(quant_decode(found, encoded, bytes, 1, 512, decoded));
        CHECK(reports > 0 && fabsf(decoded[100] - weights[100]) < 1.5f);
        quant_matrix *matrix = NULL;
        float y = NAN;
        OK(quant_matrix_pack(&matrix, found, 1, 512, encoded, bytes));
        OK(quant_matrix_multiply(matrix, weights, 1, &y));
        CHECK(isfinite(y));
        quant_matrix_free(matrix);
        free(encoded);
    }
    CHECK(QUANT_Q4_K == 12 && QUANT_MXFP4 == 39 && QUANT_ERR_CANCELLED == 14 && QUANT_METHOD_BEST == 5);
}

static void files(const char *path) {
    quant_container *container = NULL;
    char *json = NULL;
    OK(quant_container_open(&container, path));
    RESULT(quant_tensor_info, info);
    OK(quant_container_tensor(container, 0, &info.value));
    CHECK_GUARD(info);
    size_t index = 1;
    OK(quant_container_find(container, info.value.name, &index));
    CHECK(index == 0);
    OK(quant_container_metadata(container, 4, &json));
    CHECK(json && strchr(json, '{'));
    quant_string_free(json);
    quant_container_free(container);
}

static int collect(void *user, const char *text, size_t bytes) {
    CHECK(strlen(text) == bytes);
    strncat((char *)user, text, 1023 - strlen((char *)user));
    return 0;
}

static void text_of(const quant_model *model, char *made) {
    static const char prompt[] = "In the beginning";
    const quant_tokenizer *tokenizer = quant_model_tokenizer(model);
    int32_t ids[64];
    size_t count = 0;
    char *text = NULL;
    OK(quant_tokenize(tokenizer, prompt, sizeof prompt - 1, 0, ids, 64, &count));
    OK(quant_detokenize(tokenizer, ids, count, 0, &text, NULL));
    CHECK(text && strcmp(text, prompt) == 0);
    quant_string_free(text);

    OPTIONS(quant_session_options, session_options);
    CHECK_GUARD(session_options);
    session_options.value.context_length = 128;
    quant_session *session = NULL, *fork = NULL;
    OK(quant_session_new(&session, model, &session_options.value));
    OPTIONS(quant_sampling, sampling);
    CHECK_GUARD(sampling);
    sampling.value.temperature = 0;
    OPTIONS(quant_generate_options, options);
    CHECK_GUARD(options);
    options.value.prompt = prompt, options.value.prompt_bytes = sizeof prompt - 1;
    options.value.max_tokens = 16, options.value.sampling = &sampling.value;
    options.value.on_text = collect, options.value.user = made;
    RESULT(quant_generate_result, result);
    OK(quant_generate(session, &options.value, &result.value));
    CHECK_GUARD(result);
    CHECK(result.value.generated_tokens == 16 && result.value.stop == QUANT_STOP_LENGTH);
    OK(quant_session_fork(&fork, session, 2));
    CHECK(quant_session_length(fork) == 2 && quant_session_capacity(session) == 128);
    const quant_batch_step steps[] = {{.size = sizeof *steps, .session = session, .tokens = ids, .count = 1},
                                      {.size = sizeof *steps, .session = fork, .tokens = ids, .count = 2}};
    OK(quant_session_run_batch(steps, 2));
    CHECK(quant_session_length(fork) == 4);
    quant_session_free(fork);
    quant_session_free(session);
}

typedef struct requested {
    char text[1024];
    int ended;
} requested;

static void on_event(void *user, const quant_request_event *event) {
    requested *r = user;
    CHECK(event->size >= sizeof *event && event->status == QUANT_OK);
    collect(r->text, event->text, event->text_bytes);
    __atomic_store_n(&r->ended, event->ended, __ATOMIC_RELEASE);
}

static void scheduled(const quant_model *model, const char *expected) {
    OPTIONS(quant_scheduler_options, options);
    CHECK_GUARD(options);
    options.value.sequences = 2;
    quant_scheduler *scheduler = NULL;
    OK(quant_scheduler_new(&scheduler, model, &options.value));
    OPTIONS(quant_sampling, sampling);
    sampling.value.temperature = 0;
    OPTIONS(quant_request, request);
    CHECK_GUARD(request);
    requested made = {"", 0};
    request.value.prompt = "In the beginning", request.value.prompt_bytes = 16, request.value.max_tokens = 16;
    request.value.sampling = &sampling.value, request.value.on_event = on_event, request.value.user = &made;
    OK(quant_scheduler_submit(scheduler, &request.value, NULL));
    RESULT(quant_scheduler_statistics, statistics);
    do {
        OK(quant_scheduler_get_statistics(scheduler, &statistics.value));
    } while (!__atomic_load_n(&made.ended, __ATOMIC_ACQUIRE) && failures == 0);
    CHECK_GUARD(statistics);
    CHECK(strcmp(made.text, expected) == 0);
    quant_scheduler_free(scheduler);
}

static void embedded(const quant_model *model) {
    const quant_embedding_input inputs[] = {{.text = "In the", .text_bytes = 6}, {.text = "beginning", .text_bytes = 9}};
    OPTIONS(quant_embedding_options, options);
    CHECK_GUARD(options);
    quant_embeddings *embeddings = NULL;
    OK(quant_model_embed(&embeddings, model, inputs, 2, &options.value));
    RESULT(quant_embedding, second);
    OK(quant_embeddings_get(embeddings, 1, &second.value));
    CHECK_GUARD(second);
    double length = 0;
    for (uint32_t i = 0; i < second.value.dimensions; i++) length += second.value.values[i] * second.value.values[i];
    CHECK(fabs(length - 1) < 1e-4);
    quant_embeddings_free(embeddings);
}

static void quantized(const char *path, const char *folder) {
    char output[512];
    snprintf(output, sizeof output, "%s/made.gguf", folder);
    OPTIONS(quant_quantize_options, options);
    CHECK_GUARD(options);
    options.value.type = "Q4_K_M";
    quant_plan *plan = NULL;
    int reports = 0;
    OK(quant_plan_new(&plan, path, &options.value));
    OK(quant_plan_run(plan, output, count_reports, &reports));
    RESULT(quant_plan_summary, summary);
    RESULT(quant_plan_tensor, tensor);
    OK(quant_plan_get_summary(plan, &summary.value));
    OK(quant_plan_get_tensor(plan, summary.value.tensors - 1, &tensor.value));
    CHECK_GUARD(summary);
    CHECK_GUARD(tensor);
    CHECK(reports > 0 && summary.value.bits_per_weight < 6);
    quant_plan_free(plan);

    static char text[4096];
    for (size_t i = 0; i < sizeof text; i++) text[i] = "and the word "[i % 13];
    OPTIONS(quant_open_options, open);
    CHECK_GUARD(open);
    open.value.flags = QUANT_OPEN_PREFAULT;
    quant_model *model = NULL, *base = NULL;
    OK(quant_model_open(&model, output, &open.value));
    OK(quant_model_open(&base, path, NULL));
    RESULT(quant_model_info, info);
    OK(quant_model_get_info(model, &info.value));
    CHECK_GUARD(info);
    CHECK(strcmp(info.value.type_name, "Q4_K_M") == 0);
    OPTIONS(quant_eval_options, eval);
    CHECK_GUARD(eval);
    eval.value.text = text, eval.value.text_bytes = sizeof text, eval.value.context_length = 64, eval.value.chunks = 2;
    RESULT(quant_eval_result, loss);
    OK(quant_evaluate(model, base, &eval.value, &loss.value));
    CHECK_GUARD(loss);
    CHECK(loss.value.kld_mean > 0 && loss.value.kld_mean < 1);
    OPTIONS(quant_bench_options, bench);
    CHECK_GUARD(bench);
    bench.value.prompt_tokens = 4, bench.value.decode_tokens = 2, bench.value.rounds = 1;
    RESULT(quant_bench_result, speed);
    OK(quant_bench(model, &bench.value, &speed.value));
    CHECK_GUARD(speed);
    CHECK(speed.value.decode_per_second > 0);
    quant_model_free(model);
    quant_model_free(base);
}

static void cataloged(const char *path) {
    quant_catalog *catalog = NULL;
    quant_variant_list *list = NULL;
    char *name = NULL;
    OK(quant_catalog_open(&catalog, NULL));
    OK(quant_catalog_import(catalog, path, NULL, NULL, NULL, &name));
    OK(quant_catalog_list(catalog, name, &list));
    CHECK(quant_variant_list_count(list) == 1);
    RESULT(quant_variant_info, info);
    OK(quant_variant_list_get(list, 0, &info.value));
    CHECK_GUARD(info);
    CHECK(name && strcmp(info.value.name, name) == 0);
    quant_string_free(name);
    quant_variant_list_free(list);
    quant_catalog_free(catalog);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: program_of_0_1 MODEL FOLDER\n");
        return 2;
    }
    char made[1024] = "";
    quant_model *model = NULL;
    buffers();
    files(argv[1]);
    OK(quant_model_open(&model, argv[1], NULL));
    if (model) text_of(model, made), scheduled(model, made), embedded(model);
    quant_model_free(model);
    quantized(argv[1], argv[2]);
    cataloged(argv[1]);
    printf("version %s, compiled with %d.%d.%d: %d failures\n", quant_version(), QUANT_VERSION_MAJOR,
           QUANT_VERSION_MINOR, QUANT_VERSION_PATCH, failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
