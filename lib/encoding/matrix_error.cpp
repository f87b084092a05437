#include "encoding/matrix_error.h"

#include "encoding/code_lanes.h"
#include "encoding/cpu_clones.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>

namespace quant {

namespace {

constexpr size_t lanes = code_lanes;
using Lanes = WeightLanes;

// `n` at most `lanes`; what is missing is zero.
inline Lanes load(const float *p, size_t n) {
    Lanes v = {};
    std::memcpy(&v, p, n * sizeof(float));
    return v;
}

} // namespace

QUANT_CPU_CLONES ErrorSums error_sums(std::span<const float> weights, std::span<const float> decoded) {
    constexpr size_t run = 4096; // float32 within a run, so that it takes few instructions
    ErrorSums sums;
    for (size_t at = 0; at < weights.size(); at += run) {
        const size_t end = std::min(weights.size(), at + run), whole = at + (end - at) / lanes * lanes;
        Lanes error = {}, weight = {};
        const auto add = [&](size_t i, size_t n) __attribute__((always_inline)) {
            const Lanes w = load(&weights[i], n), e = w - load(&decoded[i], n);
            error += e * e;
            weight += w * w;
        };
        for (size_t i = at; i < whole; i += lanes) add(i, lanes);
        if (whole < end) add(whole, end - whole);
        for (size_t k = 0; k < lanes; k++) sums.error += double{error[k]}, sums.weight += double{weight[k]};
    }
    return sums;
}

QUANT_CPU_CLONES float weighted_squares(std::span<const float> x, std::span<const float> y) {
    const size_t whole = x.size() / lanes * lanes;
    Lanes sums = {};
    for (size_t i = 0; i < whole; i += lanes) {
        const Lanes v = load(&x[i], lanes);
        sums += v * v * load(&y[i], lanes);
    }
    if (whole < x.size()) {
        const Lanes v = load(&x[whole], x.size() - whole);
        sums += v * v * load(&y[whole], x.size() - whole);
    }
    float sum = 0;
    for (size_t k = 0; k < lanes; k++) sum += sums[k];
    return sum;
}

QUANT_CPU_CLONES size_t first_not_finite(std::span<const float> weights) {
    constexpr size_t run = 1024; // looked at whole, since a loop that may end anywhere takes one weight at a time
    constexpr uint32_t exponent = 0x7f800000;
    for (size_t at = 0; at < weights.size(); at += run) {
        const std::span<const float> some = weights.subspan(at, std::min(run, weights.size() - at));
        uint32_t bad = 0;
        for (const float w : some) bad |= (std::bit_cast<uint32_t>(w) & exponent) == exponent ? 1u : 0u;
        if (bad == 0) continue;
        const auto first = std::find_if_not(some.begin(), some.end(), [](float w) { return std::isfinite(w); });
        return at + static_cast<size_t>(first - some.begin());
    }
    return weights.size();
}

} // namespace quant
