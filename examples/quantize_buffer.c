/*
 * Quantize a buffer of weights, decode it again, and see what was lost.
 *
 *     quantize_buffer [ENCODING]        Q4_K if none is given
 */
#include <quant/encoding.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { rows = 64, cols = 1024 };

/* Every function says why it failed in one sentence. */
static int failed(const char *doing) {
    fprintf(stderr, "quantize_buffer: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

/* Weights as models have them: most are small, a few are not. */
static void fill(float *weights, size_t count) {
    unsigned state = 1;
    for (size_t i = 0; i < count; i++) {
        float sum = 0;
        for (int k = 0; k < 4; k++) {
            state = state * 1664525u + 1013904223u;
            sum += (float)(state >> 8) / 16777216.0f - 0.5f;
        }
        weights[i] = 0.05f * sum;
    }
}

static double rms_error(const float *a, const float *b, size_t count) {
    double sum = 0;
    for (size_t i = 0; i < count; i++) sum += ((double)a[i] - b[i]) * ((double)a[i] - b[i]);
    return sqrt(sum / (double)count);
}

static int quantize(quant_encoding encoding, const char *name) {
    const size_t count = (size_t)rows * cols;
    uint64_t bytes = 0;
    /* How much room the encoded rows take; a row is a whole number of blocks. */
    if (quant_encoded_size(encoding, rows, cols, &bytes) != QUANT_OK) return failed("size");

    float *weights = malloc(count * sizeof *weights);
    float *decoded = malloc(count * sizeof *decoded);
    void *encoded = malloc(bytes);
    int result = EXIT_FAILURE;
    if (!weights || !decoded || !encoded) {
        fprintf(stderr, "quantize_buffer: out of memory\n");
    } else {
        fill(weights, count);
        /* No importance is known, so every weight of a row counts the same. */
        if (quant_encode(encoding, weights, rows, cols, NULL, encoded, bytes) != QUANT_OK) {
            failed("encode");
        } else if (quant_decode(encoding, encoded, bytes, rows, cols, decoded) != QUANT_OK) {
            failed("decode");
        } else {
            printf("%s: %zu bytes became %llu (%.2f bits per weight), RMS error %.3g\n", name,
                   count * sizeof *weights, (unsigned long long)bytes, 8.0 * (double)bytes / (double)count,
                   rms_error(weights, decoded, count));
            result = EXIT_SUCCESS;
        }
    }
    free(encoded);
    free(decoded);
    free(weights);
    return result;
}

int main(int argc, char **argv) {
    const char *name = argc > 1 ? argv[1] : "Q4_K";
    quant_encoding encoding;
    if (quant_encoding_find(name, &encoding) != QUANT_OK) return failed("encoding");
    return quantize(encoding, name);
}
