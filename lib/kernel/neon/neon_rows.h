// Where a product's sums go: rows of y, four at a time, of which the last may be fewer.
#pragma once

#include "kernel/neon/neon_simd.h"

namespace quant::kernel::neon {
namespace {

class FourRows {
public:
    /// Rows `row` and on, of `rows` that there are at `y`.
    QUANT_INLINE FourRows(float *y, size_t rows, size_t row) : y_(y + row), count_(row < rows ? rows - row : 0) {}

    QUANT_INLINE float32x4_t load() const { return count_ >= 4 ? vld1q_f32(y_) : Simd::load_some(y_, count_); }
    QUANT_INLINE void store(float32x4_t v) const {
        if (count_ >= 4) vst1q_f32(y_, v);
        else Simd::store_some(y_, count_, v);
    }

private:
    float *y_;
    size_t count_;
};

} // namespace
} // namespace quant::kernel::neon
