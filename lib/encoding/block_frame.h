// What a searching encoder of single blocks does around its block: bring the weights to a size
// where no sum overflows, choose the weights of the errors, and compare the result
// with plain rounding.
#pragma once

#include "encoding/block_bytes.h"
#include "encoding/cpu_clones.h"
#include "encoding/importance_weights.h"
#include "encoding/scale_search.h"

#include <quant/encoding.h>

#include <array>
#include <cmath>
#include <cstddef>

namespace quant {

/// A block scaled by a power of two, so that its largest weight is in [1, 2). Scales
/// found for it are turned to half precision as they will be stored.
template <size_t N>
struct BlockFrame {
    std::array<float, N> x, w;
    int exponent = 0;
    bool zero = false; ///< All weights vanish beside the smallest scale that can be stored.

    BlockFrame(const float *in, const float *importance, float floor = importance_floor) {
        float most = 0;
        for (size_t i = 0; i < N; i++) most = std::max(most, std::abs(in[i]));
        // 2^-24 is the smallest half; levels of at least 1 stand on it.
        zero = most < 0x1p-26f;
        exponent = zero ? 0 : std::ilogb(most);
        const float down = std::ldexp(1.0f, -exponent);
        for (size_t i = 0; i < N; i++) x[i] = zero ? 0 : in[i] * down;
        fill_weights(importance, floor);
    }

    /// The stored value nearest to `scale`, seen in this frame.
    float half(float scale) const {
        return std::ldexp(nearest_f16(std::ldexp(scale, exponent)), -exponent);
    }
    /// The next half above or below.
    float half_beside(float scale, int step) const {
        const float stored = nearest_f16(std::ldexp(scale, exponent));
        const int bits = f16_from_f32(stored) + step;
        const float beside = f32_from_f16(static_cast<uint16_t>(bits));
        return std::isfinite(beside) ? std::ldexp(beside, -exponent) : scale;
    }
    void store_half(std::byte *out, float scale) const { store_f16(out, std::ldexp(scale, exponent)); }

    /// Weighted squared error of what `back` decodes to, in the caller's units.
    double error(const float *in, const std::array<float, N> &back) const {
        double sum = 0;
        for (size_t i = 0; i < N; i++) {
            const double e = double{in[i]} - back[i];
            sum += w[i] * e * e;
        }
        return sum;
    }

private:
    void fill_weights(const float *importance, float floor) {
        if (importance) error_weights<N>(importance, floor, w.data());
        else w.fill(1);
    }
};

/// The best scale that can be stored: near the fit of either sign.
template <size_t N, class L>
float best_half(const BlockFrame<N> &f, const SignedFits &fits) {
    float best = 0, least = INFINITY;
    for (const ScaleFit &fit : fits)
        for (const int step : {0, -1, 1}) {
            const float d = f.half_beside(f.half(fit.scale), step);
            const float error = scale_error<N, L>(f.x.data(), f.w.data(), d);
            if (error < least) best = d, least = error;
        }
    return best;
}

/// Encode block after block with `search`, and keep what `round` makes of a block
/// where that is closer. Both are `void(const BlockFrame<N> &, std::byte *out)`;
/// `decode` is the encoding's own.
template <size_t N, size_t Bytes, class Search, class Round, class Decode>
void encode_blocks(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method,
                   const Search &search, const Round &round, const Decode &decode) {
    for (size_t b = 0; b < blocks; b++, in += N, out += Bytes) {
        const BlockFrame<N> frame(in, importance ? importance + b * N : nullptr, floor_of(method));
        round(frame, out);
        if (method == QUANT_METHOD_ROUND) continue;
        std::array<std::byte, Bytes> searched;
        search(frame, searched.data());
        const auto error = [&](const std::byte *bytes) {
            std::array<float, N> back;
            decode(bytes, back.data(), 1);
            return frame.error(in, back);
        };
        if (error(searched.data()) <= error(out)) std::copy(searched.begin(), searched.end(), out);
    }
}

} // namespace quant
