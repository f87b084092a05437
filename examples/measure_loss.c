/*
 * What a quantized model has lost against the one that it was made from.
 *
 *     measure_loss MODEL BASE TEXT_FILE
 */
#include <quant/evaluate.h>

#include <stdio.h>
#include <stdlib.h>

static int failed(const char *doing) {
    fprintf(stderr, "measure_loss: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

/* The first part of a file, which is enough for an example. */
static size_t read_text(const char *path, char *text, size_t room) {
    FILE *file = fopen(path, "rb");
    if (!file) return 0;
    const size_t bytes = fread(text, 1, room, file);
    fclose(file);
    return bytes;
}

/* What is told while it works; not 0 would cancel it. */
static int show_progress(void *user, const quant_progress *progress) {
    (void)user;
    fprintf(stderr, "\r%llu of %llu %s", (unsigned long long)progress->done, (unsigned long long)progress->total, progress->detail);
    return 0;
}

static int measure(const quant_model *model, const quant_model *base, const char *path) {
    static char text[20000];
    quant_eval_options options;
    quant_eval_options_init(&options, sizeof options);
    options.text = text;
    options.text_bytes = read_text(path, text, sizeof text);
    options.progress = show_progress;
    quant_eval_result result = {.size = sizeof result};
    if (quant_evaluate(model, base, &options, &result) != QUANT_OK) return failed(path);
    printf("\nperplexity %.3f, of the base %.3f; divergence %.5f nats a token; the same first choice %.1f %%\n", result.ppl,
           result.base_ppl, result.kld_mean, 100 * result.top1);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    if (count != 4) {
        fprintf(stderr, "usage: measure_loss MODEL BASE TEXT_FILE\n");
        return 2;
    }
    quant_model *model = NULL, *base = NULL;
    int result = EXIT_FAILURE;
    if (quant_model_open(&model, words[1], NULL) != QUANT_OK) failed(words[1]);
    else if (quant_model_open(&base, words[2], NULL) != QUANT_OK) failed(words[2]);
    else result = measure(model, base, words[3]);
    quant_model_free(base);
    quant_model_free(model);
    return result;
}
