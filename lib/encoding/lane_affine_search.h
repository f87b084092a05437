// Searching scales and minimums, 16 groups at a time: x = scale * code - minimum, codes
// 0 .. Top. As lane_scale_search.h does it, with two numbers for each group: trials
// stretch the range of a group's weights about its lower end, its upper end and its
// middle; the fits are least squares in both numbers.
#pragma once

#include "encoding/lane_groups.h"

namespace quant::lane {

struct AffineEffort {
    float reach;   ///< Trials stretch or shrink the range by up to so many codes.
    int stretches; ///< Trials for each anchor.
    int refits;
    int starts = 0, passes = 0, radius = 0; ///< For super-blocks.
};

/// Sums that the fits of a group need whatever the codes are: of w, w x; and their ratios.
template <class Floats>
struct GroupSums {
    Floats w, x, mean, inverse_w;
};

template <bool Weighted, class Set, class Floats = typename Set::Floats>
GroupSums<Floats> group_sums(const Set &set) {
    GroupSums<Floats> sums{Weighted ? Floats(0) : Floats(Set::width), 0, 0, 0};
    for (size_t i = 0; i < Set::width; i++) {
        if (Weighted) sums.w += set.weight(i);
        sums.x += Weighted ? set.weight(i) * set.at(i) : set.at(i);
    }
    sums.inverse_w = ratio(Floats(1), sums.w);
    sums.mean = sums.x * sums.inverse_w;
    return sums;
}

/// Sums over codes: of w q, w q q, w q x.
template <class Floats>
struct CodeSums {
    Floats q = Floats(0), qq = Floats(0), qx = Floats(0);

    /// What (scale, minimum) gain over zero with these codes.
    Floats gain(const GroupSums<Floats> &group, Floats scale, Floats minimum) const {
        const Floats twice = qx + minimum * q;
        return scale * (twice + twice - scale * qq) - minimum * (group.x + group.x + minimum * group.w);
    }
};

template <class Floats>
CodeSums<Floats> select(typename Floats::Ints mask, const CodeSums<Floats> &a, const CodeSums<Floats> &b) {
    return {select(mask, a.q, b.q), select(mask, a.qq, b.qq), select(mask, a.qx, b.qx)};
}

/// Codes nearest to x * inverse + offset.
template <int Top, bool Weighted, class Set, class Floats = typename Set::Floats>
CodeSums<Floats> code_sums(const Set &set, Floats inverse, Floats offset) {
    const Bounds<Floats> bounded(0, Top);
    CodeSums<Floats> sums;
#pragma GCC unroll 2
    for (size_t i = 0; i < Set::width; i++) {
        const Floats x = set.at(i), q = round_whole(bounded(x * inverse + offset));
        const Floats wq = Weighted ? q * set.weight(i) : q;
        sums.q += wq;
        sums.qq += wq * q;
        sums.qx += wq * x;
    }
    return sums;
}

/// A fit with its gain as a fraction, which saves dividing in every trial.
template <class Floats>
struct AffineFit {
    Floats gain_over = Floats(0), gain_under = Floats(1);
    CodeSums<Floats> sums;

    typename Floats::Ints better_than(const AffineFit<Floats> &other) const {
        return other.gain_over * gain_under < gain_over * other.gain_under;
    }
};

template <class Floats>
AffineFit<Floats> select(typename Floats::Ints mask, const AffineFit<Floats> &a, const AffineFit<Floats> &b) {
    return {select(mask, a.gain_over, b.gain_over), select(mask, a.gain_under, b.gain_under),
            select(mask, a.sums, b.sums)};
}

template <class Floats>
struct ScaleAndMinimum {
    Floats scale, minimum;
};

// The gain beyond what the mean alone explains. Where the fit wants a minimum below 0
// and may not have it, that of the scale alone.
template <bool OnlyPositive, class Floats>
AffineFit<Floats> fit_of(const GroupSums<Floats> &group, const CodeSums<Floats> &sums) {
    const Floats covariance = sums.qx - sums.q * group.mean;
    const Floats variance = sums.qq - sums.q * sums.q * group.inverse_w;
    const auto sound = 1e-6f * sums.qq < variance;
    AffineFit<Floats> fit{select(sound, covariance * covariance, Floats(0)), select(sound, variance, Floats(1)), sums};
    if constexpr (OnlyPositive) {
        const auto below = covariance * sums.q < group.x * variance;
        fit.gain_over = select(below, sums.qx * sums.qx - group.x * group.mean * sums.qq, fit.gain_over);
        fit.gain_under = select(below, max(sums.qq, Floats(1e-20f)), fit.gain_under);
    }
    return fit;
}

template <bool OnlyPositive, class Floats>
ScaleAndMinimum<Floats> solve(const GroupSums<Floats> &group, const CodeSums<Floats> &sums) {
    const Floats variance = sums.qq - sums.q * sums.q * group.inverse_w;
    const auto sound = 1e-6f * sums.qq < variance;
    Floats scale = select(sound, ratio(sums.qx - sums.q * group.mean, variance), Floats(0));
    Floats minimum = scale * (sums.q * group.inverse_w) - group.mean;
    if constexpr (OnlyPositive) {
        const auto below = minimum < Floats(0);
        scale = select(below, max(ratio(sums.qx, sums.qq), Floats(0)), scale);
        minimum = select(below, Floats(0), minimum);
    }
    return {scale, minimum};
}

template <class Floats>
struct Ends {
    Floats low, high;
};

template <class Set, class Floats = typename Set::Floats>
Ends<Floats> ends(const Set &set) {
    Ends<Floats> out{set.at(0), set.at(0)};
    for (size_t i = 1; i < Set::width; i++) {
        out.low = min(out.low, set.at(i));
        out.high = max(out.high, set.at(i));
    }
    return out;
}

/// The best scale and minimum of each group. With `OnlyPositive` the minimum is held at
/// 0 or more, as the K encodings store it.
template <int Top, bool OnlyPositive, bool Weighted, class Set, class Floats = typename Set::Floats>
ScaleAndMinimum<Floats> fit_affine(const Set &set, const GroupSums<Floats> &group, Ends<Floats> range,
                                   const AffineEffort &effort) {
    if constexpr (OnlyPositive) range = {min(range.low, Floats(0)), max(range.high, Floats(0))};
    const Floats unit = ratio(Floats(1), range.high - range.low);
    AffineFit<Floats> best;
    const auto try_codes = [&](Floats inverse, Floats offset) {
        const AffineFit<Floats> fit = fit_of<OnlyPositive>(group, code_sums<Top, Weighted>(set, inverse, offset));
        best = select(fit.better_than(best), fit, best);
    };
    for (int t = 0; t < effort.stretches; t++) {
        const float stretch =
            effort.reach * (2 * static_cast<float>(t) / static_cast<float>(effort.stretches - 1) - 1);
        const Floats inverse = unit * (Top + stretch);
        for (int anchor = 0; anchor < 3; anchor++)
            try_codes(inverse, -range.low * inverse - stretch * 0.5f * static_cast<float>(anchor));
    }
    for (int i = 0; i < effort.refits; i++) {
        const auto [scale, minimum] = solve<OnlyPositive>(group, best.sums);
        const Floats inverse = ratio(Floats(1), scale);
        try_codes(inverse, minimum * inverse);
    }
    return solve<OnlyPositive>(group, best.sums);
}

/// x = d * scale * code - dmin * minimum, scale and minimum whole numbers, 1 where a
/// group is a block.
template <class Floats>
struct Affine {
    Floats d = Floats(0), dmin = Floats(0), scale = Floats(1), minimum = Floats(1);

    ScaleAndMinimum<Floats> of_group() const { return {d * scale, dmin * minimum}; }
};

/// Error of each group, as decoding will give it.
template <int Top, bool Weighted, class Set, class Floats = typename Set::Floats>
Floats error_of(const Set &set, const Affine<Floats> &p) {
    const auto [s, m] = p.of_group();
    const Floats inverse = ratio(Floats(1), s);
    const Bounds<Floats> bounded(0, Top);
    Floats sum;
#pragma GCC unroll 2
    for (size_t i = 0; i < Set::width; i++) {
        const Floats x = set.at(i), q = round_whole(bounded((x + m) * inverse));
        const Floats e = x - (s * q - m);
        sum += Weighted ? e * e * set.weight(i) : e * e;
    }
    return sum;
}

/// The half-precision scale and minimum of each group by itself, the minimum of any sign.
template <int Top, bool Weighted, class Set, class Floats = typename Set::Floats>
Affine<Floats> search_free_affine(const Set &given, const AffineEffort &effort) {
    const auto [low, high] = ends(given);
    // Weights far from zero beside their range would drown it in the sums.
    const Floats middle = (low + high) * 0.5f;
    Set set = given;
    for (size_t i = 0; i < Set::width; i++) (given.at(i) - middle).store(set.x[i]);
    const GroupSums<Floats> group = group_sums<Weighted>(set);
    const auto fit = fit_affine<Top, false, Weighted>(set, group, {low - middle, high - middle}, effort);
    Affine<Floats> p;
    p.d = set.half(fit.scale);
    // The minimum that suits the scale as it is stored.
    const Floats inverse = ratio(Floats(1), p.d);
    const CodeSums<Floats> sums = code_sums<Top, Weighted>(set, inverse, fit.minimum * inverse);
    p.dmin = set.half((p.d * sums.q - group.x) * group.inverse_w - middle);
    return p;
}

template <int CodeTop, class Floats>
Floats affine_code(Floats value, Floats unit) {
    return round_whole(clamp(ratio(value, max(unit, Floats(0))), 0, CodeTop));
}

/// Each group from its ends, without a search.
template <int Top, int CodeTop, class Set, class Floats = typename Set::Floats>
Affine<Floats> round_affine(const Set &set) {
    const auto [low, high] = ends(set);
    const Floats minimum = max(-low, Floats(0)), scale = (max(high, Floats(0)) + minimum) / Top;
    Affine<Floats> p;
    p.d = set.half(run_max<Set::groups>(scale) / CodeTop);
    p.dmin = set.half(run_max<Set::groups>(minimum) / CodeTop);
    p.scale = affine_code<CodeTop>(scale, p.d);
    p.minimum = affine_code<CodeTop>(minimum, p.dmin);
    return p;
}

/// Both common factors by least squares with all codes fixed.
template <class Set, class Floats = typename Set::Floats>
void refit_factors(const Set &set, const GroupSums<Floats> &group, const CodeSums<Floats> &sums, Affine<Floats> &p) {
    constexpr size_t n = Set::groups;
    const Floats aa = run_sum<n>(p.scale * p.scale * sums.qq), ab = run_sum<n>(p.scale * p.minimum * sums.q),
                 bb = run_sum<n>(p.minimum * p.minimum * group.w), xa = run_sum<n>(p.scale * sums.qx),
                 xb = run_sum<n>(p.minimum * group.x);
    // x = d a - dmin b
    const Floats determinant = aa * bb - ab * ab;
    const auto sound = 1e-6f * aa * bb < determinant;
    const Floats d = select(sound, ratio(xa * bb - xb * ab, determinant), ratio(xa + p.dmin * ab, aa));
    const Floats dmin = select(sound, ratio(xa * ab - xb * aa, determinant), p.dmin);
    p.d = set.half(max(d, Floats(0)));
    p.dmin = set.half(max(dmin, Floats(0)));
}

template <int Top, int CodeTop, bool Weighted, class Set, class Floats = typename Set::Floats>
Affine<Floats> search_affine(const Set &set, const AffineEffort &effort) {
    constexpr size_t n = Set::groups;
    const GroupSums<Floats> group = group_sums<Weighted>(set);
    const auto [scale, minimum] = fit_affine<Top, true, Weighted>(set, group, ends(set), effort);
    const Floats most_scale = run_max<n>(scale) / CodeTop, most_minimum = run_max<n>(minimum) / CodeTop;
    constexpr float starts[] = {1.0f, 0.93f};
    Affine<Floats> best;
    Floats best_gain = Floats(-1);
    const auto keep = [&](const Affine<Floats> &p, Floats gain) {
        const Floats total = run_sum<n>(gain);
        const auto better = best_gain < total;
        best_gain = select(better, total, best_gain);
        best = {select(better, p.d, best.d), select(better, p.dmin, best.dmin), select(better, p.scale, best.scale),
                select(better, p.minimum, best.minimum)};
    };
    for (int start = 0; start < effort.starts; start++) {
        Affine<Floats> p;
        p.d = set.half(most_scale * starts[start]);
        p.dmin = set.half(most_minimum * starts[start]);
        p.scale = affine_code<CodeTop>(scale, p.d);
        p.minimum = affine_code<CodeTop>(minimum, p.dmin);
        for (int pass = 0; pass < effort.passes; pass++) {
            Affine<Floats> settled = p;
            CodeSums<Floats> sums;
            Floats most = Floats(-INFINITY);
            for (int step = -effort.radius; step <= effort.radius; step++) {
                const Floats code = clamp(p.scale + static_cast<float>(step), 0, CodeTop), s = p.d * code;
                const Floats inverse = ratio(Floats(1), s);
                CodeSums<Floats> trial;
                const auto try_minimum = [&](Floats minimum_code) {
                    const Floats m = p.dmin * minimum_code;
                    trial = code_sums<Top, Weighted>(set, inverse, m * inverse);
                    const Floats gain = trial.gain(group, s, m);
                    const auto better = most < gain;
                    most = select(better, gain, most);
                    settled.scale = select(better, code, settled.scale);
                    settled.minimum = select(better, minimum_code, settled.minimum);
                    sums = select(better, trial, sums);
                };
                try_minimum(p.minimum);
                const Floats centre = affine_code<CodeTop>((s * trial.q - group.x) * group.inverse_w, p.dmin);
                const int around = effort.radius > 1 ? 1 : 0;
                for (int beside = -around; beside <= around; beside++)
                    try_minimum(clamp(centre + static_cast<float>(beside), 0, CodeTop));
            }
            p = settled;
            keep(p, most);
            refit_factors(set, group, sums, p);
            const auto [s, m] = p.of_group();
            keep(p, sums.gain(group, s, m));
        }
    }
    return best;
}

} // namespace quant::lane
