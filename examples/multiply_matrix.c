/* Multiply with quantized weights, as the layers of a model do. */
#include <quant/matrix.h>

#include <stdio.h>
#include <stdlib.h>

enum { rows = 32, cols = 256 };

static int failed(const char *doing) {
    fprintf(stderr, "multiply_matrix: %s: %s\n", doing, quant_error_message());
    return EXIT_FAILURE;
}

int main(void) {
    static float weights[rows * cols], x[cols], y[rows];
    static unsigned char encoded[rows * cols * 2];
    for (int i = 0; i < rows * cols; i++) weights[i] = (float)(i % 17 - 8) / 8;
    for (int i = 0; i < cols; i++) x[i] = (float)(i % 5) / 4;

    uint64_t bytes = 0;
    if (quant_encoded_size(QUANT_Q8_0, rows, cols, &bytes) != QUANT_OK) return failed("size");
    if (quant_encode(QUANT_Q8_0, weights, rows, cols, NULL, encoded, bytes) != QUANT_OK) return failed("encode");

    quant_matrix *matrix = NULL;
    if (quant_matrix_pack(&matrix, QUANT_Q8_0, rows, cols, encoded, bytes) != QUANT_OK) return failed("pack");
    const quant_status status = quant_matrix_multiply(matrix, x, 1, y);
    quant_matrix_free(matrix);
    if (status != QUANT_OK) return failed("multiply");

    const char *tier = "";
    quant_active_tier(&tier);
    double exact = 0;
    for (int i = 0; i < cols; i++) exact += (double)weights[i] * x[i];
    printf("first row: %.4f, with weights that are not quantized %.4f; by the %s kernels\n", y[0], exact, tier);
    return EXIT_SUCCESS;
}
