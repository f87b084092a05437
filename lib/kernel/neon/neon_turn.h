// Four by four floats turned, for NEON (Simd::turn).
#pragma once

#include <arm_neon.h>

#include <cstddef>

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

} // namespace
} // namespace quant::kernel::neon
