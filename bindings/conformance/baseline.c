/*
 * What the SDKs' benchmarks are compared with: the same work by the C API alone.
 *
 *     baseline callbacks MODEL TOKENS   seconds for each token of a greedy generation whose callback does nothing
 *     baseline encode TYPE MIB          seconds to encode so many MiB of floats, method ROUND; the best of three
 *
 * Prints one JSON object.
 */
#define _POSIX_C_SOURCE 199309L /* For the clock. */

#include <quant/encoding.h>
#include <quant/session.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int failed(const char *doing) {
    fprintf(stderr, "baseline: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ignore_text(void *user, const char *text, size_t bytes) {
    (void)text, (void)bytes;
    ++*(size_t *)user;
    return 0;
}

static int time_callbacks(const char *path, uint32_t tokens) {
    quant_model *model = NULL;
    quant_session *session = NULL;
    if (quant_model_open(&model, path, NULL) != QUANT_OK) return failed("model");
    const quant_status opened = quant_session_new(&session, model, NULL);
    quant_model_free(model);
    if (opened != QUANT_OK) return failed("session");

    quant_sampling sampling;
    quant_sampling_init(&sampling, sizeof sampling);
    sampling.temperature = 0;
    quant_generate_options options;
    quant_generate_options_init(&options, sizeof options);
    size_t calls = 0;
    options.prompt = "And";
    options.prompt_bytes = 3;
    options.max_tokens = tokens;
    options.sampling = &sampling;
    options.on_text = ignore_text;
    options.user = &calls;
    quant_generate_result made = {.size = sizeof made};
    const quant_status status = quant_generate(session, &options, &made);
    quant_session_free(session);
    if (status != QUANT_OK) return failed("generation");
    printf("{\"tokens\": %u, \"calls\": %zu, \"seconds_per_token\": %.9g}\n", made.generated_tokens, calls,
           made.generated_tokens ? made.decode_seconds / made.generated_tokens : 0.0);
    return EXIT_SUCCESS;
}

static int time_encoding(const char *type, size_t mib) {
    const uint64_t cols = 4096, rows = mib * (1 << 20) / sizeof(float) / cols;
    quant_encoding encoding;
    uint64_t bytes;
    if (quant_encoding_find(type, &encoding) != QUANT_OK || quant_encoded_size(encoding, rows, cols, &bytes) != QUANT_OK)
        return failed(type);
    /* From a page's beginning on, as collectors have large arrays: where arrays lie makes a seventh in Q4_0. */
    enum { page = 4096 };
    float *weights = aligned_alloc(page, rows * cols * sizeof *weights);
    void *out = aligned_alloc(page, (bytes + page - 1) / page * page);
    if (!weights || !out) {
        fputs("baseline: no memory\n", stderr);
        free(weights), free(out);
        return EXIT_FAILURE;
    }
    for (uint64_t i = 0; i < rows * cols; ++i) weights[i] = (float)((int)((i * 7919 + 13) % 2001) - 1000) / 1024;
    memset(out, 0, bytes); /* So that its pages are there before the clock runs. */
    quant_encode_options options;
    quant_encode_options_init(&options, sizeof options);
    options.method = QUANT_METHOD_ROUND;
    quant_status status = QUANT_OK;
    double seconds = 0;
    for (int round = 0; round < 3 && status == QUANT_OK; ++round) { /* The first one starts the workers. */
        const double begin = now();
        status = quant_encode(encoding, weights, rows, cols, &options, out, bytes);
        const double took = now() - begin;
        if (round == 0 || took < seconds) seconds = took;
    }
    free(weights), free(out);
    if (status != QUANT_OK) return failed("encoding");
    printf("{\"type\": \"%s\", \"bytes\": %llu, \"seconds\": %.9g}\n", type, (unsigned long long)bytes, seconds);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    const long number = count == 4 ? strtol(words[3], NULL, 10) : 0;
    if (number > 0 && strcmp(words[1], "callbacks") == 0) return time_callbacks(words[2], (uint32_t)number);
    if (number > 0 && strcmp(words[1], "encode") == 0) return time_encoding(words[2], (size_t)number);
    fputs("usage: baseline callbacks MODEL TOKENS | encode TYPE MIB\n", stderr);
    return 2;
}
