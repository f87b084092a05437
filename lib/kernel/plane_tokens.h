// Activations as whole numbers of 15 bits in two planes of bytes, for products of one or a
// few tokens: these wait for memory, so that the second plane costs next to nothing, and
// what rounding loses is under a hundredth of what 8 bits lose.
#pragma once

#include "machine/worker_pool.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quant {

/// In each stretch of 256 columns (the last may be shorter) x = scale * (128 * high + low),
/// with scale = max|x| / 16256. One thread at a time.
class PlaneTokens {
public:
    static constexpr size_t stretch = 256;
    static constexpr int32_t largest = 127 * 128;
    /// Magnitudes in the planes: x is rounded to the nearest multiple of 128 for the high one.
    static constexpr int most_high = 127, most_low = 64;

    /// `group` divides cols. Rows of x are x_stride floats apart.
    void assign(size_t group, const float *x, size_t tokens, size_t cols, size_t x_stride);
    /// The same, by the workers of a pool where there is enough to do.
    void assign(size_t group, const float *x, size_t tokens, size_t cols, size_t x_stride, WorkerPool &pool);

    size_t tokens() const { return tokens_; }
    size_t cols() const { return cols_; }
    /// tokens x 2 planes, plane_stride() bytes apart: a token's high bytes, then its low ones.
    const int8_t *planes() const { return planes_.data(); }
    /// An odd number of lines: kernels read the same columns of all planes at a time, which would share a few
    /// lines of the first-level cache if they were a power of two apart.
    size_t plane_stride() const { return (cols_ + line - 1) / line * line | line; }
    /// tokens x stretches.
    const float *scales() const { return scales_.data(); }
    size_t stretches() const { return (cols_ + stretch - 1) / stretch; }
    /// tokens x groups: sums of whole numbers.
    const int32_t *sums() const { return sums_.data(); }
    size_t groups() const { return groups_; }

private:
    static constexpr size_t line = 64;

    void resize(size_t group, size_t tokens, size_t cols);
    void assign_token(size_t token, size_t group, const float *x);

    size_t tokens_ = 0, cols_ = 0, groups_ = 0;
    std::vector<int8_t> planes_;
    std::vector<float> scales_;
    std::vector<int32_t> sums_;
};

} // namespace quant
