/** @file
 * Packed weights and their product with activations: the library's kernels, for
 * programs that bring their own model code.
 */
#ifndef QUANT_MATRIX_H
#define QUANT_MATRIX_H

#include <quant/encoding.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A weight matrix in the layout this CPU multiplies with. Immutable. */
typedef struct quant_matrix quant_matrix;

/**
 * Pack encoded weights.
 *
 * @param[out] out    A new matrix, owned by the caller; NULL on failure.
 * @param encoding    Of `data`.
 * @param rows, cols  Shape; cols is a multiple of the encoding's block.
 * @param data        quant_encoded_size() bytes, copied: the caller may free them.
 * @param data_bytes  Their number.
 * @retval QUANT_ERR_ARGUMENT     The sizes disagree.
 * @retval QUANT_ERR_UNSUPPORTED  No encoding of this version has that number.
 *
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_matrix_pack(quant_matrix **out, quant_encoding encoding, uint64_t rows,
                                         uint64_t cols, const void *data, uint64_t data_bytes);

/** Release a matrix. NULL is fine. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_matrix_free(quant_matrix *matrix);

/**
 * y = x * transpose(matrix), in float32.
 *
 * @param x  tokens x cols, row-major.
 * @param y  tokens x rows, row-major; written.
 * @retval QUANT_ERR_UNSUPPORTED  QUANT_ISA names a tier that this machine lacks.
 *
 * Threads: any; calls share one pool of workers and take turns. Blocks: until done.
 * Since 0.1.
 */
QUANT_API quant_status quant_matrix_multiply(const quant_matrix *matrix, const float *x, uint64_t tokens,
                                             float *y);

/**
 * The name of the instruction tier in use: "scalar", "avx2" or "neon", say.
 *
 * @retval QUANT_ERR_UNSUPPORTED  QUANT_ISA names a tier that this machine lacks.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_active_tier(const char **out_name);

#ifdef __cplusplus
}
#endif
#endif
