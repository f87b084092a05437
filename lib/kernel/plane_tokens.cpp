#include "kernel/plane_tokens.h"

#include "encoding/cpu_clones.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace quant {

namespace {

// Where floats lie 1 apart, adding rounds to the nearest whole number.
constexpr float whole = 0x1.8p23f;

/// The bits of |x|, which as whole numbers are in the order of the magnitudes, infinity and
/// NaN above all others.
uint32_t largest_bits(const float *x, size_t n) {
    uint32_t most = 0;
    for (size_t i = 0; i < n; i++) most = std::max(most, std::bit_cast<uint32_t>(x[i]) & 0x7fffffffu);
    return most;
}

/// Returns the scale: NaN where a value is not finite, so that the product is none either.
QUANT_CPU_CLONES float split(const float *x, size_t n, int8_t *high, int8_t *low, int16_t *numbers) {
    const float most = std::bit_cast<float>(largest_bits(x, n));
    const bool finite = most <= std::numeric_limits<float>::max();
    const float scale = most / PlaneTokens::largest, inverse = finite && scale > 0 ? 1 / scale : 0;
    if (!std::isfinite(inverse) || inverse == 0) { // All so small that nothing is left of them.
        std::fill_n(high, n, int8_t{0}), std::fill_n(low, n, int8_t{0}), std::fill_n(numbers, n, int16_t{0});
        return finite ? 0 : std::numeric_limits<float>::quiet_NaN();
    }
    for (size_t i = 0; i < n; i++)
        numbers[i] = static_cast<int16_t>(std::min(std::max(x[i] * inverse + whole - whole, -16256.0f), 16256.0f));
    for (size_t i = 0; i < n; i++) {
        const int upper = (numbers[i] + 64) >> 7;
        high[i] = static_cast<int8_t>(upper);
        low[i] = static_cast<int8_t>(numbers[i] - upper * 128);
    }
    return scale;
}

QUANT_CPU_CLONES int32_t sum_of(const int16_t *numbers, size_t n) {
    int32_t sum = 0;
    for (size_t i = 0; i < n; i++) sum += numbers[i];
    return sum;
}

} // namespace

void PlaneTokens::resize(size_t group, size_t tokens, size_t cols) {
    tokens_ = tokens, cols_ = cols, groups_ = cols / group;
    planes_.resize(tokens * 2 * plane_stride()), scales_.resize(tokens * stretches()), sums_.resize(tokens * groups_);
}

void PlaneTokens::assign_token(size_t token, size_t group, const float *x) {
    int16_t numbers[stretch];
    int8_t *high = planes_.data() + token * 2 * plane_stride();
    for (size_t at = 0; at < cols_; at += stretch) {
        const size_t n = std::min(stretch, cols_ - at);
        scales_[token * stretches() + at / stretch] = split(x + at, n, high + at, high + plane_stride() + at, numbers);
        for (size_t g = 0; g < n; g += group) sums_[token * groups_ + (at + g) / group] = sum_of(numbers + g, group);
    }
}

void PlaneTokens::assign(size_t group, const float *x, size_t tokens, size_t cols, size_t x_stride) {
    resize(group, tokens, cols);
    for (size_t t = 0; t < tokens; t++) assign_token(t, group, x + t * x_stride);
}

void PlaneTokens::assign(size_t group, const float *x, size_t tokens, size_t cols, size_t x_stride, WorkerPool &pool) {
    constexpr size_t least_floats = 4096; // Below which waking another worker costs more than it brings.
    resize(group, tokens, cols);
    pool.parallel_for(tokens, 1 + least_floats / (cols + 1), [&](size_t begin, size_t end, unsigned) {
        for (size_t t = begin; t < end; t++) assign_token(t, group, x + t * x_stride);
    });
}

} // namespace quant
