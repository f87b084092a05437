// What the other operand of a product with quantized weights is rounded to.
#pragma once

#include <quant/model.h>

#include "encoding/encoding.h"
#include "machine/worker_pool.h"

namespace quant {

/// The first two as quant_activations says.
enum class Activations : uint8_t {
    f32 = QUANT_ACTIVATIONS_F32,
    int8 = QUANT_ACTIVATIONS_INT8,
    int8_of_many, ///< As int8, but of few tokens, whose products wait for memory, no more is lost than 15 bits do.
    int8_always,  ///< For weights in floats too, as for quantized ones of their columns: what quantizing all of
                  ///< them would cost through activations alone.
};

/// Throws Error (QUANT_ERR_ARGUMENT) for a number that is none; the value comes from C and
/// may be anything.
Activations checked_activations(const quant_activations &value);

/// What a session that generates computes with where its caller asked for `activations`.
constexpr Activations for_generating(Activations activations) {
    return activations == Activations::int8 ? Activations::int8_of_many : activations;
}

/// "f32" or "int8", one of what checked_activations() gives.
const char *activations_name(Activations activations);

/// Activations that meet these weights in one block, and so share one scale: 256 where
/// the weights' blocks have 256, else 32.
size_t activation_block(const EncodingTraits &weights);
constexpr size_t most_activation_block = 256;

/// y = x as int8 kernels see it when the weights are `weights`: in each block
/// d = max|x| / 127 and y = d * round(x / d), with d stored as float16 for blocks of 32
/// and as float32 for blocks of 256. That is what ggml's Q8_0 and Q8_K hold, which its
/// CPU kernels multiply quantized weights with.
///
/// x and y are tokens x cols, row-major; cols is a multiple of the block.
void round_activations(const EncodingTraits &weights, const float *x, size_t tokens, size_t cols, float *y,
                       WorkerPool &pool);

constexpr size_t most_int8_blocks = 16;

/// The same of `count` <= most_int8_blocks blocks of `block` = activation_block() values: whole numbers
/// from -127 to 127 as `codes`; the scale of each block; and of each `group`, a multiple of 16 that divides
/// the block, the sum of its codes.
void int8_blocks(const float *x, size_t count, size_t block, size_t group, int8_t *codes, float *scales,
                 int32_t *sums);

} // namespace quant
