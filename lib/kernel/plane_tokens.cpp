#include "kernel/plane_tokens.h"

#include "encoding/cpu_clones.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
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

void PlaneTokens::assign(size_t group, const float *x, size_t tokens, size_t cols, size_t x_stride, bool in_quads) {
    tokens_ = tokens, cols_ = cols, groups_ = cols / group;
    const size_t places = (tokens + quad_tokens - 1) / quad_tokens * quad_tokens;
    planes_.resize(tokens * 2 * plane_stride()), scales_.resize(places * stretches()), sums_.resize(places * groups_);
    if (in_quads) quads_.resize(std::max(quads_.size(), places * cols * 2));
    int16_t numbers[stretch];
    for (size_t t = 0; t < tokens; t++) {
        int8_t *high = planes_.data() + t * 2 * plane_stride(), *low = high + plane_stride();
        for (size_t at = 0; at < cols; at += stretch) {
            const size_t n = std::min(stretch, cols - at);
            scales_[t * stretches() + at / stretch] = split(x + t * x_stride + at, n, high + at, low + at, numbers);
            for (size_t g = 0; g < n; g += group) sums_[t * groups_ + (at + g) / group] = sum_of(numbers + g, group);
        }
        if (in_quads) {
            int8_t *out = quads_.data() + t / quad_tokens * cols * 2 * quad_tokens + t % quad_tokens * 8;
            for (size_t at = 0; at < cols; at += 4, out += quad_bytes)
                std::memcpy(out, high + at, 4), std::memcpy(out + 4, low + at, 4);
        }
    }
}

} // namespace quant
