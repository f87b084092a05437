// Keys side by side for NEON: what attention's scores (kernel/simd/simd_scores.h) read.
#pragma once

#include "kernel/kernel_table.h"

#include <arm_neon.h>

namespace quant::kernel::neon {
namespace {

/// Four rows of four floats, columns becoming rows: stored interleaved, each quarter is a column.
inline void turn_four(const float *in, size_t in_stride, float *out, size_t out_stride) {
    const float32x4x4_t rows = {vld1q_f32(in), vld1q_f32(in + in_stride), vld1q_f32(in + 2 * in_stride),
                                vld1q_f32(in + 3 * in_stride)};
    float turned[16];
    vst4q_f32(turned, rows);
    for (size_t c = 0; c < 4; ++c) vst1q_f32(out + c * out_stride, vld1q_f32(turned + 4 * c));
}

void lay_keys(const float *in, size_t rows, size_t dims, float *out) {
    const size_t whole_rows = rows / 4 * 4, whole_dims = dims / 4 * 4;
    for (size_t r = 0; r < whole_rows; r += 4)
        for (size_t d = 0; d < whole_dims; d += 4) turn_four(in + r * dims + d, dims, out + d * key_lanes + r, key_lanes);
    for (size_t d = 0; d < dims; ++d)
        for (size_t r = d < whole_dims ? whole_rows : 0; r < key_lanes; ++r)
            out[d * key_lanes + r] = r < rows ? in[r * dims + d] : 0;
}

} // namespace
} // namespace quant::kernel::neon
