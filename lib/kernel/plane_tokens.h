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

    /// Tokens side by side in quads(), and what these hold of four columns.
    static constexpr size_t quad_tokens = 4, quad_bytes = quad_tokens * 2 * 4;

    /// `group` divides cols. Rows of x are x_stride floats apart. `in_quads`: quads() are made, too.
    void assign(size_t group, const float *x, size_t tokens, size_t cols, size_t x_stride, bool in_quads = false);

    size_t tokens() const { return tokens_; }
    size_t cols() const { return cols_; }
    /// tokens x 2 planes, plane_stride() bytes apart: a token's high bytes, then its low ones.
    const int8_t *planes() const { return planes_.data(); }
    /// An odd number of lines: kernels read the same columns of all planes at a time, which would share a few
    /// lines of the first-level cache if they were a power of two apart.
    size_t plane_stride() const { return (cols_ + line - 1) / line * line | line; }
    /// Tokens / 4, rounded up, x cols / 4 x 4 tokens x 2 planes x 4 columns; what is of tokens that are not there
    /// is anything. scales() and sums() have places for these.
    const int8_t *quads() const { return quads_.data(); }
    /// tokens x stretches.
    const float *scales() const { return scales_.data(); }
    size_t stretches() const { return (cols_ + stretch - 1) / stretch; }
    /// tokens x groups: sums of whole numbers.
    const int32_t *sums() const { return sums_.data(); }
    size_t groups() const { return groups_; }

private:
    static constexpr size_t line = 64;
    size_t tokens_ = 0, cols_ = 0, groups_ = 0;
    std::vector<int8_t> planes_, quads_;
    std::vector<float> scales_;
    std::vector<int32_t> sums_;
};

} // namespace quant
