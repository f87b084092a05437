// From importance to the weights of squared errors in a block.
#pragma once

#include "encoding/code_lanes.h"

#include <quant/encoding.h>

#include <algorithm>
#include <cmath>
#include <cstddef>

namespace quant {

/// Importance is an estimate, and a weight that it calls worthless still acts on inputs
/// that calibration never saw. So every weight counts at least this share of a typical
/// one of its block; it costs 1 to 2 % of weighted error and gains 5 to 8 % of plain.
inline constexpr float importance_floor = 0.65f;

/// Error feedback brings weights of its own, which are used as they are.
inline float floor_of(quant_method method) { return method == QUANT_METHOD_FEEDBACK ? 0 : importance_floor; }

/// The weights of the errors of a block of N: importance at a size where sums are safe,
/// raised by `floor` times a typical one. Importance that is zero throughout says
/// nothing: all count alike.
template <size_t N>
void error_weights(const float *importance, float floor, float *out) {
    static_assert(N % code_lanes == 0);
    WeightLanes most_of = {};
    for (size_t i = 0; i < N; i += code_lanes) {
        const WeightLanes some = load_lanes(importance + i);
        most_of = most_of < some ? some : most_of;
    }
    float most = 0;
    for (size_t k = 0; k < code_lanes; k++) most = std::max(most, most_of[k]);
    const float scale = most > 0 ? 1 / most : 0;
    if (most == 0 || !std::isfinite(scale)) {
        std::fill_n(out, N, 1.0f);
        return;
    }
    float root[N];
    for (size_t i = 0; i < N; i++) {
        out[i] = importance[i] * scale;
        root[i] = std::sqrt(out[i]);
    }
    WeightLanes roots = {};
    for (size_t i = 0; i < N; i += code_lanes) roots += load_lanes(root + i);
    float sum = 0;
    for (size_t k = 0; k < code_lanes; k++) sum += roots[k];
    // The squared mean of roots is typical where a mean would be one outlier's. Without
    // a floor, a trace that makes no difference keeps the fits defined.
    const float mean = sum / N, least = std::max(floor * mean * mean, 1e-6f);
    for (size_t i = 0; i < N; i++) out[i] += least;
}

} // namespace quant
