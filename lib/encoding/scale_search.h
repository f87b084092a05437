// Searching scales for the least weighted squared error, one group at a time.
//
// A group of N weights x is to be s * level, the levels being whole numbers. For each
// trial scale the nearest levels follow, and for those levels the best scale is a
// least-squares fit; the best trial is then refined by alternating the two. Sums run in
// 16 fixed lanes, so that the compiler can use any vector width and the bytes come out
// the same on every machine. lane_scale_search.h does this for 16 groups at once.
#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>

namespace quant {

inline constexpr size_t lanes = 16;

/// Nearest whole number, ties to even, for |v| below 2^22; needs no SSE4.
inline float round_whole(float v) {
    constexpr float magic = 12582912.0f; // 1.5 * 2^23
    return (v + magic) - magic;
}

/// Levels Low .. High, all whole numbers.
template <int Low, int High>
struct WholeLevels {
    static constexpr float low = Low, high = High;
    static float nearest(float v) { return round_whole(std::min(std::max(v, low), high)); }
    static int code(float level) { return static_cast<int>(level) - Low; }
};

/// Sum of f(i) over i in [0, N), in fixed lanes.
template <size_t N, class F>
inline float lane_sum(const F &f) {
    static_assert(N % lanes == 0);
    float acc[lanes] = {};
    for (size_t j = 0; j < N; j += lanes)
        for (size_t k = 0; k < lanes; k++) acc[k] += f(j + k);
    for (size_t width = lanes / 2; width > 0; width /= 2)
        for (size_t k = 0; k < width; k++) acc[k] += acc[k + width];
    return acc[0];
}

/// Weighted squared error of x against s * nearest(x / s) for the levels L.
template <size_t N, class L>
float scale_error(const float *x, const float *w, float s) {
    const float inverse = s != 0 ? 1 / s : 0;
    return lane_sum<N>([&](size_t i) {
        const float e = x[i] - s * L::nearest(x[i] * inverse);
        return w[i] * e * e;
    });
}

/// The value of largest magnitude, with its sign.
template <size_t N>
float extreme(const float *x) {
    float most = 0;
    for (size_t i = 0; i < N; i++)
        if (std::abs(x[i]) > std::abs(most)) most = x[i];
    return most;
}

/// What a least-squares fit of the scale gains over zero, and the scale itself.
struct ScaleFit {
    float gain = 0, scale = 0;
};

template <size_t N, class L>
ScaleFit fit_levels_at(const float *x, const float *w, float s) {
    const float inverse = 1 / s;
    float xl[lanes] = {}, ll[lanes] = {};
    for (size_t j = 0; j < N; j += lanes)
        for (size_t k = 0; k < lanes; k++) {
            const float level = L::nearest(x[j + k] * inverse);
            const float wl = w[j + k] * level;
            xl[k] += wl * x[j + k];
            ll[k] += wl * level;
        }
    float a = 0, b = 0;
    for (size_t k = 0; k < lanes; k++) a += xl[k], b += ll[k];
    return b > 0 ? ScaleFit{a * a / b, a / b} : ScaleFit{};
}

/// The best scale of either sign. Levels are lopsided, so both are worth a look.
using SignedFits = std::array<ScaleFit, 2>;

/// Scales for x = s * level. Trials let the extreme weight fall on levels from `narrow`
/// to `wide` times the largest.
template <size_t N, class L>
SignedFits fit_scale(const float *x, const float *w, float narrow, float wide, int trials) {
    SignedFits best;
    const float most = extreme<N>(x);
    if (most == 0) return best;
    for (size_t sign = 0; sign < best.size(); sign++) {
        const float end = sign == 0 ? L::low : L::high;
        for (int t = 0; t < trials; t++) {
            const float part = narrow + (wide - narrow) * static_cast<float>(t) / static_cast<float>(trials - 1);
            const ScaleFit fit = fit_levels_at<N, L>(x, w, most / (end * part));
            if (fit.gain > best[sign].gain) best[sign] = fit;
        }
        for (int i = 0; i < 6 && best[sign].scale != 0; i++) {
            const ScaleFit fit = fit_levels_at<N, L>(x, w, best[sign].scale);
            if (!(fit.gain > best[sign].gain)) break;
            best[sign] = fit;
        }
    }
    if (best[1].gain > best[0].gain) std::swap(best[0], best[1]);
    return best;
}

} // namespace quant
