// Super-blocks of 256 weights: groups whose scales (and minimums) are themselves small
// whole numbers times one half-precision number for all.
//
// The search follows the shape of the arithmetic: fit every group freely; choose the
// common factor; then, turn about, move each group's codes to their best neighbours
// and refit the common factor with all codes fixed, until nothing gains.
#pragma once

#include "encoding/block_frame.h"
#include "encoding/scale_search.h"

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

// Each group's scale code moved to the best of its neighbours; the error of all.
template <class Shape>
float settle_scales(const SuperFrame &f, ScaledCodes<Shape::groups> &c, int radius) {
    float total = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float *x = f.x.data() + g * Shape::width, *w = f.w.data() + g * Shape::width;
        float least = INFINITY;
        int best = c.scale[g];
        const int low = std::max(Shape::scale_low, c.scale[g] - radius);
        const int high = std::min(Shape::scale_high, c.scale[g] + radius);
        for (int s = low; s <= high; s++) {
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
        xa += lane_sum<Shape::width>([&](size_t i) { return w[i] * x[i] * s * Shape::Levels::nearest(x[i] * inverse); });
        aa += lane_sum<Shape::width>([&](size_t i) {
            const float a = s * Shape::Levels::nearest(x[i] * inverse);
            return w[i] * a * a;
        });
    }
    return aa > 0 ? f.half(xa / aa) : 0;
}

} // namespace search_detail

/// Codes from scales that were fitted group by group: the factor from the largest.
template <class Shape>
ScaledCodes<Shape::groups> codes_for(const SuperFrame &f, const std::array<float, Shape::groups> &scales, float d) {
    ScaledCodes<Shape::groups> c;
    c.d = f.half(d);
    for (size_t g = 0; g < Shape::groups; g++) {
        const float code = c.d != 0 ? scales[g] / c.d : 0;
        c.scale[g] = static_cast<int>(round_whole(std::clamp(code, static_cast<float>(Shape::scale_low),
                                                             static_cast<float>(Shape::scale_high))));
    }
    return c;
}

template <class Shape>
ScaledCodes<Shape::groups> search_scaled(const SuperFrame &f, float narrow, float wide, int trials) {
    std::array<float, Shape::groups> scales;
    float most = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        scales[g] = fit_scale<Shape::width, typename Shape::Levels>(f.x.data() + g * Shape::width,
                                                                    f.w.data() + g * Shape::width, narrow, wide, trials);
        if (std::abs(scales[g]) > std::abs(most)) most = scales[g];
    }
    ScaledCodes<Shape::groups> best;
    best.error = INFINITY;
    for (const float stretch : {1.0f, 0.94f, 1.06f})
        for (const int end : {Shape::scale_low, Shape::scale_high}) {
            auto c = codes_for<Shape>(f, scales, most / static_cast<float>(end) * stretch);
            for (int pass = 0; pass < 4; pass++) {
                c.error = search_detail::settle_scales<Shape>(f, c, 1);
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

template <class Shape>
float settle_codes(const SuperFrame &f, AffineCodes<Shape::groups> &c, int radius) {
    float total = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float *x = f.x.data() + g * Shape::width, *w = f.w.data() + g * Shape::width;
        float least = INFINITY;
        int best_s = c.scale[g], best_m = c.minimum[g];
        for (int s = std::max(0, c.scale[g] - radius); s <= std::min(Shape::code_top, c.scale[g] + radius); s++)
            for (int m = std::max(0, c.minimum[g] - radius); m <= std::min(Shape::code_top, c.minimum[g] + radius); m++) {
                const float e = affine_error<Shape::width>(x, w, Shape::top, c.d * static_cast<float>(s),
                                                           c.dmin * static_cast<float>(m));
                if (e < least) least = e, best_s = s, best_m = m;
            }
        c.scale[g] = best_s;
        c.minimum[g] = best_m;
        total += least;
    }
    return total;
}

// Both common factors by least squares with all codes fixed.
template <class Shape>
void refit_factors(const SuperFrame &f, AffineCodes<Shape::groups> &c) {
    double aa = 0, ab = 0, bb = 0, xa = 0, xb = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float s = static_cast<float>(c.scale[g]), b = static_cast<float>(c.minimum[g]);
        const float ds = c.d * s, m = c.dmin * b, inverse = ds != 0 ? 1 / ds : 0;
        for (size_t i = g * Shape::width; i < (g + 1) * Shape::width; i++) {
            const float a = s * round_whole(std::clamp((f.x[i] + m) * inverse, 0.0f, Shape::top));
            aa += f.w[i] * a * a;
            ab += f.w[i] * a * b;
            bb += f.w[i] * b * b;
            xa += f.w[i] * f.x[i] * a;
            xb += f.w[i] * f.x[i] * b;
        }
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
    const auto code = [](float value, float unit) {
        return unit > 0 ? static_cast<int>(round_whole(std::clamp(value / unit, 0.0f, float{Shape::code_top}))) : 0;
    };
    for (size_t g = 0; g < Shape::groups; g++) {
        c.scale[g] = code(fits[g].scale, c.d);
        c.minimum[g] = code(fits[g].minimum, c.dmin);
    }
    return c;
}

template <class Shape>
AffineCodes<Shape::groups> search_affine(const SuperFrame &f, float reach, int trials, int radius) {
    std::array<AffineFit, Shape::groups> fits;
    float most_scale = 0, most_minimum = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
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
            c.error = search_detail::settle_codes<Shape>(f, c, radius);
            const bool gained = c.error < best.error * 0.9999f;
            if (c.error < best.error) best = c;
            if (!gained && pass > 0) break;
            const float d = c.d, dmin = c.dmin;
            search_detail::refit_factors<Shape>(f, c);
            if (d == c.d && dmin == c.dmin) break;
        }
    }
    return best;
}

} // namespace quant
