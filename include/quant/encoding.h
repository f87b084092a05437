/** @file
 * Encodings: how a block of weights is stored, and buffers to and from it.
 */
#ifndef QUANT_ENCODING_H
#define QUANT_ENCODING_H

#include <quant/status.h>

#ifdef __cplusplus
extern "C" {
#endif

/**
 * The encodings. Below 256 the value is the number that GGUF files use; encodings
 * that GGUF lacks are numbered from 256: those of quantized checkpoints, whose names say the bits
 * of a code and the weights of a group. Values never change.
 */
typedef enum quant_encoding QUANT_AS_INT {
    QUANT_F32 = 0,
    QUANT_F16 = 1,
    QUANT_Q4_0 = 2,
    QUANT_Q4_1 = 3,
    QUANT_Q5_0 = 6,
    QUANT_Q5_1 = 7,
    QUANT_Q8_0 = 8,
    QUANT_Q2_K = 10,
    QUANT_Q3_K = 11,
    QUANT_Q4_K = 12,
    QUANT_Q5_K = 13,
    QUANT_Q6_K = 14,
    QUANT_IQ2_XXS = 16,
    QUANT_IQ2_XS = 17,
    QUANT_IQ3_XXS = 18,
    QUANT_IQ1_S = 19,
    QUANT_IQ4_NL = 20,
    QUANT_IQ3_S = 21,
    QUANT_IQ2_S = 22,
    QUANT_IQ4_XS = 23,
    QUANT_IQ1_M = 29,
    QUANT_BF16 = 30,
    QUANT_TQ1_0 = 34,
    QUANT_TQ2_0 = 35,
    QUANT_MXFP4 = 39,
    QUANT_NVFP4 = 40,
    QUANT_Q1_0 = 41,
    QUANT_Q2_0 = 42,
    QUANT_INT2_G32 = 256,
    QUANT_INT2_G64 = 257,
    QUANT_INT2_G128 = 258,
    QUANT_INT3_G32 = 259,
    QUANT_INT3_G64 = 260,
    QUANT_INT3_G128 = 261,
    QUANT_INT4_G32 = 262,
    QUANT_INT4_G64 = 263,
    QUANT_INT4_G128 = 264,
    QUANT_INT8_G32 = 265,
    QUANT_INT8_G64 = 266,
    QUANT_INT8_G128 = 267,
    QUANT_AFFINE2_G32 = 268,
    QUANT_AFFINE2_G64 = 269,
    QUANT_AFFINE2_G128 = 270,
    QUANT_AFFINE3_G32 = 271,
    QUANT_AFFINE3_G64 = 272,
    QUANT_AFFINE3_G128 = 273,
    QUANT_AFFINE4_G32 = 274,
    QUANT_AFFINE4_G64 = 275,
    QUANT_AFFINE4_G128 = 276,
    QUANT_AFFINE5_G32 = 277,
    QUANT_AFFINE5_G64 = 278,
    QUANT_AFFINE5_G128 = 279,
    QUANT_AFFINE6_G32 = 280,
    QUANT_AFFINE6_G64 = 281,
    QUANT_AFFINE6_G128 = 282,
    QUANT_AFFINE8_G32 = 283,
    QUANT_AFFINE8_G64 = 284,
    QUANT_AFFINE8_G128 = 285,
    QUANT_NF4_G32 = 320,
    QUANT_NF4_G64 = 321,
    QUANT_FP4_G32 = 322,
    QUANT_FP4_G64 = 323,
    QUANT_ABSMAX8_G32 = 324,
    QUANT_ABSMAX8_G128 = 325,
    QUANT_E4M3_G32 = 326,
    QUANT_E4M3_G128 = 327,
    QUANT_E5M2_G32 = 328,
    QUANT_E5M2_G128 = 329,
    QUANT_TQ2_G32 = 330,
    QUANT_TQ2_G128 = 331,
    QUANT_NVFP4_G32 = 332,
    QUANT_NVFP4_G64 = 333,
    QUANT_NVFP4_G256 = 334
} quant_encoding;

/** How codes and scales are chosen when encoding. Values never change. */
typedef enum quant_method QUANT_AS_INT {
    QUANT_METHOD_DEFAULT = 0,   /**< IMPORTANCE where importance is given, else SEARCH. */
    QUANT_METHOD_ROUND = 1,     /**< Scales from the extremes, codes to nearest. Fastest. */
    QUANT_METHOD_SEARCH = 2,     /**< Scale, min and codes searched for the least squared error; errors are
                                      weighted by importance where that is given, raised to a floor in each
                                      block. */
    QUANT_METHOD_IMPORTANCE = 3, /**< The same, which must be given, by a longer search. */
    QUANT_METHOD_FEEDBACK = 4,   /**< Error feedback with second moments of the inputs; needs statistics. */
    QUANT_METHOD_BEST = 5       /**< For each matrix what does best on held-out inputs; needs statistics. */
} quant_method;

/** What an encoding is. Filled by quant_encoding_get(). */
typedef struct quant_encoding_info {
    size_t         size;             /**< sizeof(quant_encoding_info), set by the caller. */
    quant_encoding id;
    const char    *name;             /**< "Q4_K". Static. */
    const char    *family;           /**< "uniform", "table16", "float8", "grid", "ternary", "floats". Static. */
    const char    *summary;          /**< One line for a person. Static. */
    uint32_t       block_weights;    /**< Weights in a block; a row is a whole number of blocks. */
    uint32_t       block_bytes;      /**< Bytes of a block. */
    double         bits_per_weight;  /**< 8 * block_bytes / block_weights. */
} quant_encoding_info;

/**
 * How many encodings there are.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API size_t quant_encoding_count(void);

/**
 * Describe the encoding at a place in the table, 0 to quant_encoding_count() - 1.
 *
 * @param[in,out] info  info->size must be set by the caller.
 * @retval QUANT_ERR_ARGUMENT  index out of range, or size not that of a known version.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_encoding_get(size_t index, quant_encoding_info *info);

/**
 * The encoding of that name, in any case of letters.
 *
 * @retval QUANT_ERR_NOT_FOUND  No such name; the message lists the names there are.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_encoding_find(const char *name, quant_encoding *out);

/**
 * Bytes of `rows` rows of `cols` weights.
 *
 * @retval QUANT_ERR_ARGUMENT     cols is no multiple of the block, or the product overflows.
 * @retval QUANT_ERR_UNSUPPORTED  No encoding of this version has that number.
 * Threads: any. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_encoded_size(quant_encoding encoding, uint64_t rows, uint64_t cols,
                                          uint64_t *out_bytes);

/** How to encode. Call quant_encode_options_init(), then change what you need. */
typedef struct quant_encode_options {
    size_t            size;       /**< Set by the init function. */
    quant_method      method;     /**< IMPORTANCE needs importance; FEEDBACK and BEST need more than a matrix has, and
                                       are QUANT_ERR_ARGUMENT here. Default QUANT_METHOD_DEFAULT. */
    const float      *importance; /**< cols weights >= 0, the same for every row; NULL (default): none. */
    quant_progress_fn progress;   /**< Units are weights. May be NULL. */
    void             *user;
} quant_encode_options;

/** Set the defaults; `size` as status.h says. Threads: any. Blocks: never. Since 0.1. */
QUANT_API void quant_encode_options_init(quant_encode_options *options, size_t size);

/**
 * Encode weights.
 *
 * @param encoding    What to write.
 * @param weights     rows x cols, row-major; finite.
 * @param options     Borrowed for the call; NULL for defaults.
 * @param out         Room for quant_encoded_size() bytes, given as out_bytes.
 * @retval QUANT_ERR_ARGUMENT  A weight is not finite, importance is negative or not
 *                             finite, out_bytes is not the size, or cols does not fit.
 * @retval QUANT_ERR_UNSUPPORTED  No encoding of this version has that number.
 * @retval QUANT_ERR_CANCELLED    progress asked to stop; part of out is written.
 * Threads: any, on different buffers. Blocks: until done. Since 0.1.
 */
QUANT_API quant_status quant_encode(quant_encoding encoding, const float *weights, uint64_t rows, uint64_t cols,
                                    const quant_encode_options *options, void *out, uint64_t out_bytes);

/**
 * Decode to float32: rows x cols values, row-major. Any bytes decode to something;
 * scales that are NaN or infinite give NaN or infinite weights.
 *
 * @retval QUANT_ERR_ARGUMENT     in_bytes is not quant_encoded_size().
 * @retval QUANT_ERR_UNSUPPORTED  No encoding of this version has that number.
 * Threads: any, on different buffers. Blocks: never. Since 0.1.
 */
QUANT_API quant_status quant_decode(quant_encoding encoding, const void *in, uint64_t in_bytes,
                                    uint64_t rows, uint64_t cols, float *out);

#ifdef __cplusplus
}
#endif
#endif
