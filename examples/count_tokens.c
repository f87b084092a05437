/*
 * The tokens of a text, each as text again.
 *
 *     count_tokens MODEL TEXT        A GGUF file, a tokenizer.json, or a folder with one
 */
#include <quant/text.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failed(const char *doing) {
    fprintf(stderr, "count_tokens: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

static int show(const quant_tokenizer *tokenizer, const int32_t *ids, size_t count) {
    printf("%zu tokens:", count);
    for (size_t i = 0; i < count; i++) {
        char *piece = NULL;
        if (quant_detokenize(tokenizer, &ids[i], 1, 0, &piece, NULL) != QUANT_OK) return failed("detokenize");
        printf(" %d '%s'", ids[i], piece);
        quant_string_free(piece);
    }
    printf("\n");
    return EXIT_SUCCESS;
}

static int count_of(const quant_tokenizer *tokenizer, const char *text) {
    size_t count = 0;
    /* Without room it only counts. */
    if (quant_tokenize(tokenizer, text, strlen(text), QUANT_TEXT_ADD_SPECIAL, NULL, 0, &count) != QUANT_OK)
        return failed("tokenize");
    int32_t *ids = malloc((count ? count : 1) * sizeof *ids);
    if (!ids) return EXIT_FAILURE;
    int result = EXIT_FAILURE;
    if (quant_tokenize(tokenizer, text, strlen(text), QUANT_TEXT_ADD_SPECIAL, ids, count, &count) == QUANT_OK)
        result = show(tokenizer, ids, count);
    free(ids);
    return result;
}

int main(int count, char **words) {
    if (count != 3) {
        fprintf(stderr, "usage: count_tokens MODEL TEXT\n");
        return 2;
    }
    quant_tokenizer *tokenizer = NULL;
    if (quant_tokenizer_open(&tokenizer, words[1]) != QUANT_OK) return failed(words[1]);
    const int result = count_of(tokenizer, words[2]);
    quant_tokenizer_free(tokenizer);
    return result;
}
