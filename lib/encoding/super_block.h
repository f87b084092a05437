// Super-blocks of 256 weights: groups whose scales (and minimums) are themselves small
// whole numbers times one half-precision number for all.
//
// The search follows the shape of the arithmetic: fit every group freely; choose the
// common factor; then, turn about, move each group's codes to their best neighbours
// and refit the common factor with all codes fixed, until nothing gains.
#pragma once

#include "encoding/block_frame.h"
#include "encoding/scale_search.h"

#include <bitset>

namespace quant {

inline constexpr size_t super_block = 256;
using SuperFrame = BlockFrame<super_block>;

/// x = d * scale[group] * level.
template <size_t Groups>
struct ScaledCodes {
    float d = 0;
    std::array<int, Groups> scale{};
    float error = INFINITY;
};

/// Shape of a super-block with scales alone.
template <size_t Groups, int ScaleLow, int ScaleHigh, class L>
struct ScaledShape {
    static constexpr size_t groups = Groups, width = super_block / Groups;
    static constexpr int scale_low = ScaleLow, scale_high = ScaleHigh;
    using Levels = L;
};

namespace search_detail {

template <class Shape>
using GroupFits = std::array<SignedFits, Shape::groups>;

template <class Shape>
int scale_code(float scale, float d) {
    constexpr float low = Shape::scale_low, high = Shape::scale_high;
    return d != 0 ? static_cast<int>(round_whole(std::clamp(scale / d, low, high))) : 0;
}

// Each group's scale code moved to the best of those near what it is and near what the
// group wants with either sign; the error of all.
template <class Shape>
float settle_scales(const SuperFrame &f, const GroupFits<Shape> &fits, ScaledCodes<Shape::groups> &c, int radius) {
    float total = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float *x = f.x.data() + g * Shape::width, *w = f.w.data() + g * Shape::width;
        float least = INFINITY;
        int best = c.scale[g];
        std::bitset<Shape::scale_high - Shape::scale_low + 1> tried;
        for (const int centre : {c.scale[g], scale_code<Shape>(fits[g][0].scale, c.d),
                                 scale_code<Shape>(fits[g][1].scale, c.d)})
            for (int s = std::max(Shape::scale_low, centre - radius);
                 s <= std::min(Shape::scale_high, centre + radius); s++) {
                const auto at = static_cast<size_t>(s - Shape::scale_low);
                if (tried[at]) continue;
                tried[at] = true;
                const float e =
                    scale_error<Shape::width, typename Shape::Levels>(x, w, c.d * static_cast<float>(s));
                if (e < least) least = e, best = s;
            }
        c.scale[g] = best;
        total += least;
    }
    return total;
}

// The common factor that the codes want.
template <class Shape>
float refit_factor(const SuperFrame &f, const ScaledCodes<Shape::groups> &c) {
    float xa = 0, aa = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float s = static_cast<float>(c.scale[g]), ds = c.d * s;
        const float inverse = ds != 0 ? 1 / ds : 0;
        const float *x = f.x.data() + g * Shape::width, *w = f.w.data() + g * Shape::width;
        xa += lane_sum<Shape::width>([&](size_t i) {
            const float a = s * Shape::Levels::nearest(x[i] * inverse);
            return w[i] * x[i] * a;
        });
        aa += lane_sum<Shape::width>([&](size_t i) {
            const float a = s * Shape::Levels::nearest(x[i] * inverse);
            return w[i] * a * a;
        });
    }
    return aa > 0 ? f.half(xa / aa) : 0;
}

} // namespace search_detail

/// Codes for groups whose scales are known, and the common factor.
template <class Shape>
ScaledCodes<Shape::groups> codes_for(const SuperFrame &f, const std::array<float, Shape::groups> &scales, float d) {
    ScaledCodes<Shape::groups> c;
    c.d = f.half(d);
    for (size_t g = 0; g < Shape::groups; g++) c.scale[g] = search_detail::scale_code<Shape>(scales[g], c.d);
    return c;
}

/// Scales from the extremes: each group's farthest weight on the lowest level, which
/// reaches farthest, and the largest of these scales on the lowest code.
template <class Shape>
ScaledCodes<Shape::groups> round_scaled(const SuperFrame &f) {
    std::array<float, Shape::groups> scales;
    float most = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        scales[g] = extreme<Shape::width>(f.x.data() + g * Shape::width) / Shape::Levels::low;
        if (std::abs(scales[g]) > std::abs(most)) most = scales[g];
    }
    return codes_for<Shape>(f, scales, most / Shape::scale_low);
}

/// `narrow`, `wide` and `trials` are fit_scale()'s; scale codes move by up to `radius`.
template <class Shape>
ScaledCodes<Shape::groups> search_scaled(const SuperFrame &f, float narrow, float wide, int trials, int radius) {
    search_detail::GroupFits<Shape> fits;
    std::array<float, Shape::groups> scales;
    float most = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        fits[g] = fit_scale<Shape::width, typename Shape::Levels>(f.x.data() + g * Shape::width,
                                                                  f.w.data() + g * Shape::width, narrow, wide, trials);
        scales[g] = fits[g][0].scale;
        if (std::abs(scales[g]) > std::abs(most)) most = scales[g];
    }
    ScaledCodes<Shape::groups> best;
    for (const float stretch : {1.0f, 0.94f, 1.06f}) {
        auto c = codes_for<Shape>(f, scales, most / Shape::scale_low * stretch);
        for (int pass = 0; pass < 4; pass++) {
            c.error = search_detail::settle_scales<Shape>(f, fits, c, radius);
            if (c.error < best.error) best = c;
            const float d = search_detail::refit_factor<Shape>(f, c);
            if (d == c.d) break;
            c.d = d;
        }
    }
    return best;
}

/// x = d * scale[group] * code - dmin * minimum[group], codes 0 .. top.
template <size_t Groups>
struct AffineCodes {
    float d = 0, dmin = 0;
    std::array<int, Groups> scale{}, minimum{};
    float error = INFINITY;
};

/// Shape of a super-block with scales and minimums, both 0 .. CodeTop.
template <size_t Groups, int Top, int CodeTop>
struct AffineShape {
    static constexpr size_t groups = Groups, width = super_block / Groups;
    static constexpr float top = Top;
    static constexpr int code_top = CodeTop;
};

namespace search_detail {

inline int affine_code(float value, float unit, int code_top) {
    return unit > 0 ? static_cast<int>(round_whole(std::clamp(value / unit, 0.0f, static_cast<float>(code_top)))) : 0;
}

// Each group's codes moved to the best near what they are: for each scale code within
// `radius`, the minimum it has and those about the one that suits this scale best.
template <class Shape>
float settle_codes(const SuperFrame &f, const std::array<GroupSums, Shape::groups> &sums,
                   AffineCodes<Shape::groups> &c, int radius) {
    float total = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float *x = f.x.data() + g * Shape::width, *w = f.w.data() + g * Shape::width;
        const int scale = c.scale[g], minimum = c.minimum[g];
        float least = INFINITY;
        for (int s = std::max(0, scale - radius); s <= std::min(Shape::code_top, scale + radius); s++) {
            const float ds = c.d * static_cast<float>(s);
            const auto try_minimum = [&](int m) {
                const float e = affine_error<Shape::width>(x, w, Shape::top, ds, c.dmin * static_cast<float>(m));
                if (e < least) least = e, c.scale[g] = s, c.minimum[g] = m;
            };
            const CodeSums q =
                code_sums<Shape::width>(x, w, Shape::top, ds, c.dmin * static_cast<float>(minimum));
            const int centre = affine_code((ds * q.q - sums[g].x) / sums[g].w, c.dmin, Shape::code_top);
            try_minimum(minimum);
            for (int m = std::max(0, centre - 1); m <= std::min(Shape::code_top, centre + 1); m++)
                if (m != minimum) try_minimum(m);
        }
        total += least;
    }
    return total;
}

// Both common factors by least squares with all codes fixed.
template <class Shape>
void refit_factors(const SuperFrame &f, const std::array<GroupSums, Shape::groups> &sums,
                   AffineCodes<Shape::groups> &c) {
    double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const double s = c.scale[g], b = c.minimum[g];
        const CodeSums q = code_sums<Shape::width>(f.x.data() + g * Shape::width, f.w.data() + g * Shape::width,
                                                   Shape::top, c.d * static_cast<float>(c.scale[g]),
                                                   c.dmin * static_cast<float>(c.minimum[g]));
        aa += s * s * q.qq;
        ab += s * b * q.q;
        bb += b * b * sums[g].w;
        xa += s * q.qx;
        xb += b * sums[g].x;
    }
    // x = d a - dmin b
    const double determinant = aa * bb - ab * ab;
    if (determinant > 1e-9 * aa * bb && bb > 0) {
        c.d = f.half(static_cast<float>(std::max(0.0, (xa * bb - xb * ab) / determinant)));
        c.dmin = f.half(static_cast<float>(std::max(0.0, (xa * ab - xb * aa) / determinant)));
    } else if (aa > 0) {
        c.d = f.half(static_cast<float>(std::max(0.0, (xa + c.dmin * ab) / aa)));
    }
}

} // namespace search_detail

/// Codes for groups that were fitted one by one.
template <class Shape>
AffineCodes<Shape::groups> codes_for(const SuperFrame &f, const std::array<AffineFit, Shape::groups> &fits, float d,
                                     float dmin) {
    AffineCodes<Shape::groups> c;
    c.d = f.half(d);
    c.dmin = f.half(dmin);
    for (size_t g = 0; g < Shape::groups; g++) {
        c.scale[g] = search_detail::affine_code(fits[g].scale, c.d, Shape::code_top);
        c.minimum[g] = search_detail::affine_code(fits[g].minimum, c.dmin, Shape::code_top);
    }
    return c;
}

template <class Shape>
AffineCodes<Shape::groups> search_affine(const SuperFrame &f, float reach, int trials, int radius) {
    std::array<AffineFit, Shape::groups> fits;
    std::array<GroupSums, Shape::groups> sums;
    float most_scale = 0, most_minimum = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        sums[g] = group_sums<Shape::width>(f.x.data() + g * Shape::width, f.w.data() + g * Shape::width);
        fits[g] = fit_affine<Shape::width>(f.x.data() + g * Shape::width, f.w.data() + g * Shape::width, Shape::top,
                                           reach, trials, true);
        most_scale = std::max(most_scale, fits[g].scale);
        most_minimum = std::max(most_minimum, fits[g].minimum);
    }
    AffineCodes<Shape::groups> best;
    for (const float stretch : {1.0f, 0.93f}) {
        auto c = codes_for<Shape>(f, fits, most_scale * stretch / Shape::code_top,
                                  most_minimum * stretch / Shape::code_top);
        for (int pass = 0; pass < 5; pass++) {
            c.error = search_detail::settle_codes<Shape>(f, sums, c, radius);
            const bool gained = c.error < best.error * 0.9999f;
            if (c.error < best.error) best = c;
            if (!gained && pass > 0) break;
            const float d = c.d, dmin = c.dmin;
            search_detail::refit_factors<Shape>(f, sums, c);
            if (d == c.d && dmin == c.dmin) break;
        }
    }
    return best;
}

} // namespace quant
