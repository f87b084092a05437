// Searching scales (and minimums) for the least weighted squared error: the arithmetic
// that all block encodings share.
//
// A group of N weights x is to be s * level + offset, the levels being whole numbers or
// a table of 16. For each trial scale the nearest levels follow, and for those levels
// the best scale is a least-squares fit; the best trial is then refined by alternating
// the two. Sums run in 16 fixed lanes, so that the compiler can use any vector width
// and the bytes come out the same on every machine.
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

/// The 16 levels of IQ4_NL and IQ4_XS: steps widen with distance from zero.
struct UnevenLevels {
    static constexpr std::array<float, 16> levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                     1,    13,   25,  38,  53,  69,  89,  113};
    static constexpr float low = -127, high = 113;
    static float nearest(float v) {
        float level = levels[0];
        for (size_t i = 1; i < levels.size(); i++)
            level += v >= (levels[i - 1] + levels[i]) / 2 ? levels[i] - levels[i - 1] : 0.0f;
        return level;
    }
    static int code(float level) {
        return static_cast<int>(std::find(levels.begin(), levels.end(), level) - levels.begin());
    }
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

/// x = scale * code - minimum, codes 0 .. top.
struct AffineFit {
    float error = INFINITY, scale = 0, minimum = 0;
};

/// Sums that the least-squares fits of a group need whatever the codes are.
struct GroupSums {
    float w = 0, x = 0, xx = 0; ///< Of w, w x, w x x.
};

template <size_t N>
GroupSums group_sums(const float *x, const float *w) {
    return {lane_sum<N>([&](size_t i) { return w[i]; }), lane_sum<N>([&](size_t i) { return w[i] * x[i]; }),
            lane_sum<N>([&](size_t i) { return w[i] * x[i] * x[i]; })};
}

/// Code nearest for x = scale * code - minimum, as a float; `inverse` is 1 / scale, or 0.
inline float nearest_code(float x, float minimum, float inverse, float top) {
    return round_whole(std::min(std::max((x + minimum) * inverse, 0.0f), top));
}

/// Sums over the nearest codes q: of w q, w q q, w q x.
struct CodeSums {
    float q = 0, qq = 0, qx = 0;
};

template <size_t N>
CodeSums code_sums(const float *x, const float *w, float top, float scale, float minimum) {
    const float inverse = scale != 0 ? 1 / scale : 0;
    float q1[lanes] = {}, q2[lanes] = {}, qx[lanes] = {};
    for (size_t j = 0; j < N; j += lanes)
        for (size_t k = 0; k < lanes; k++) {
            const float q = nearest_code(x[j + k], minimum, inverse, top);
            const float wq = w[j + k] * q;
            q1[k] += wq;
            q2[k] += wq * q;
            qx[k] += wq * x[j + k];
        }
    CodeSums sums;
    for (size_t k = 0; k < lanes; k++) sums.q += q1[k], sums.qq += q2[k], sums.qx += qx[k];
    return sums;
}

/// Codes nearest for (scale, minimum), and the fit those codes want. With
/// `only_positive` the minimum is held at 0 or more, as the K encodings store it.
template <size_t N>
AffineFit fit_codes_at(const float *x, const float *w, const GroupSums &sums, float top, float scale, float minimum,
                       bool only_positive) {
    const auto [wq, wqq, wqx] = code_sums<N>(x, w, top, scale, minimum);
    AffineFit fit;
    // Normal equations of x = s q - m in (s, -m).
    const float determinant = sums.w * wqq - wq * wq;
    if (determinant > 1e-6f * sums.w * wqq) {
        fit.scale = (sums.w * wqx - wq * sums.x) / determinant;
        fit.minimum = -(wqq * sums.x - wq * wqx) / determinant;
    } else {
        fit.scale = scale;
        fit.minimum = sums.w > 0 ? scale * wq / sums.w - sums.x / sums.w : 0;
    }
    if (only_positive && (fit.minimum < 0 || fit.scale < 0)) {
        fit.minimum = 0;
        fit.scale = wqq > 0 ? std::max(0.0f, wqx / wqq) : 0;
    }
    fit.error = sums.xx - fit.scale * wqx * 2 + fit.scale * fit.scale * wqq + 2 * fit.minimum * sums.x -
                2 * fit.scale * fit.minimum * wq + fit.minimum * fit.minimum * sums.w;
    return fit;
}

/// Scale and minimum for x = scale * code - minimum. Trials shrink or stretch the
/// range about its lower and its upper end by up to `reach` codes.
template <size_t N>
AffineFit fit_affine(const float *x, const float *w, float top, float reach, int trials, bool only_positive) {
    const auto [low_at, high_at] = std::minmax_element(x, x + N);
    const float low = only_positive ? std::min(0.0f, *low_at) : *low_at;
    const float high = only_positive ? std::max(0.0f, *high_at) : *high_at;
    const GroupSums sums = group_sums<N>(x, w);
    AffineFit best;
    if (high <= low) {
        best.minimum = -low;
        best.error = 0;
        return best;
    }
    for (int t = 0; t < trials; t++) {
        const float stretch = reach * (2 * static_cast<float>(t) / static_cast<float>(trials - 1) - 1);
        const float scale = (high - low) / (top + stretch);
        // Anchored below, above, and in the middle.
        for (const float minimum : {-low, scale * top - high, (scale * top - high - low) / 2}) {
            const AffineFit fit = fit_codes_at<N>(x, w, sums, top, scale, minimum, only_positive);
            if (fit.error < best.error) best = fit;
        }
    }
    for (int i = 0; i < 6; i++) {
        const AffineFit fit = fit_codes_at<N>(x, w, sums, top, best.scale, best.minimum, only_positive);
        if (!(fit.error < best.error)) break;
        best = fit;
    }
    return best;
}

/// Weighted squared error of x against scale * code - minimum with nearest codes.
template <size_t N>
float affine_error(const float *x, const float *w, float top, float scale, float minimum) {
    const float inverse = scale != 0 ? 1 / scale : 0;
    return lane_sum<N>([&](size_t i) {
        const float e = x[i] - (scale * nearest_code(x[i], minimum, inverse, top) - minimum);
        return w[i] * e * e;
    });
}

} // namespace quant
