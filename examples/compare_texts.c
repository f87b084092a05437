/*
 * How alike texts are: the cosine of their embeddings.
 *
 *     compare_texts MODEL TEXT TEXT [TEXT ...]        Each with the first
 */
#include <quant/embedding.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *doing) {
    fprintf(stderr, "compare_texts: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

/* Embeddings have length 1, so that their product is the cosine. */
static double cosine(const quant_embedding *a, const quant_embedding *b) {
    double sum = 0;
    for (uint32_t i = 0; i < a->dimensions; i++) sum += (double)a->values[i] * b->values[i];
    return sum;
}

static int compare(const quant_model *model, char **texts, size_t count) {
    quant_embedding_input *inputs = calloc(count, sizeof *inputs);
    if (!inputs) return EXIT_FAILURE;
    for (size_t i = 0; i < count; i++) {
        inputs[i].text = texts[i];
        inputs[i].text_bytes = strlen(texts[i]);
    }
    quant_embeddings *made = NULL;
    const quant_status status = quant_model_embed(&made, model, inputs, count, NULL);
    free(inputs);
    if (status != QUANT_OK) return failed("embed");

    quant_embedding first = {.size = sizeof first}, other = {.size = sizeof other};
    quant_embeddings_get(made, 0, &first);
    for (size_t i = 1; i < count && quant_embeddings_get(made, i, &other) == QUANT_OK; i++)
        printf("%.4f %s\n", cosine(&first, &other), texts[i]);
    quant_embeddings_free(made);
    return EXIT_SUCCESS;
}

int main(int count, char **words) {
    if (count < 4) {
        fprintf(stderr, "usage: compare_texts MODEL TEXT TEXT ...\n");
        return 2;
    }
    quant_model *model = NULL;
    if (quant_model_open(&model, words[1], NULL) != QUANT_OK) return failed(words[1]);
    const int result = compare(model, words + 2, (size_t)count - 2);
    quant_model_free(model);
    return result;
}
