// Searching scales for the least squared error, 16 groups at a time: x = s * level.
//
// For each trial scale the nearest levels follow, and from their sums the scale that
// fits those levels best and what it gains over zero. Trials are a coarse row over the
// scales that let a group's extreme weight fall near an end of the levels, a finer row
// about the best, and a few rounds of fitting and choosing levels again.
//
// In super-blocks the scales are whole numbers times a common factor: the codes are
// moved to their best neighbours and the factor refitted, turn about.
#pragma once

#include "encoding/lane_groups.h"
#include "encoding/lane_levels.h"

namespace quant::lane {

/// Levels are lopsided, so a scale of the other sign may fit better: whether only scales
/// that put the extreme weight at the lowest level are tried, or both, and refined the
/// better or both.
enum class Signs { one, better, both };

/// How much to try. Parts are of an end of the levels: where the extreme weight falls.
struct ScaleEffort {
    float narrow, wide; ///< The parts of the coarse row.
    int coarse, fine;   ///< Trials of the rows; fine ones on each side of the best.
    int refits;
    Signs signs;
    int starts = 0, passes = 0, radius = 0; ///< For super-blocks: rounds, and steps of codes in them.

    float coarse_step() const { return (wide - narrow) / static_cast<float>(coarse - 1); }
};

/// Sums over the levels nearest for one scale: of w x level, w level level.
template <class Floats>
struct LevelSums {
    Floats xl = Floats(0), ll = Floats(1);

    /// What the best scale for these levels gains, against another's.
    typename Floats::Ints better_than(const LevelSums<Floats> &other) const {
        return other.xl * other.xl * ll < xl * xl * other.ll;
    }
    Floats scale() const { return ratio(xl, ll); }
    /// What scale s gains with these levels.
    Floats gain(Floats s) const { return s * (xl + xl - s * ll); }
};

template <class Floats>
LevelSums<Floats> select(typename Floats::Ints mask, const LevelSums<Floats> &a, const LevelSums<Floats> &b) {
    return {select(mask, a.xl, b.xl), select(mask, a.ll, b.ll)};
}

template <class L, bool Weighted, class Set, class Floats = typename Set::Floats>
LevelSums<Floats> level_sums(const Set &set, Floats inverse) {
    const typename L::template Nearest<Floats> nearest;
    LevelSums<Floats> sums{Floats(0), Floats(0)};
#pragma GCC unroll 2
    for (size_t i = 0; i < Set::width; i++) {
        const Floats x = set.at(i), level = nearest(x * inverse);
        const Floats wl = Weighted ? level * set.weight(i) : level;
        sums.xl += wl * x;
        sums.ll += wl * level;
    }
    return sums;
}

/// A trial scale, as the inverse that brings weights to levels, and the sums there.
template <class Floats>
struct ScaleTrial {
    LevelSums<Floats> sums;
    Floats inverse = Floats(0);

    void replace_where(typename Floats::Ints mask, const ScaleTrial<Floats> &other) {
        sums = select(mask, other.sums, sums);
        inverse = select(mask, other.inverse, inverse);
    }
};

template <class L, bool Weighted, class Set, class Floats = typename Set::Floats>
void try_inverse(const Set &set, Floats inverse, ScaleTrial<Floats> &best) {
    const LevelSums<Floats> sums = level_sums<L, Weighted>(set, inverse);
    best.replace_where(sums.better_than(best.sums), {sums, inverse});
}

/// The best scale of each of a few that bring the extreme weight near `end`, the lowest
/// level or the highest; which of them is the sign of the scale.
template <class L, bool Weighted, class Set, class Floats = typename Set::Floats>
ScaleTrial<Floats> coarse_row(const Set &set, Floats unit, const ScaleEffort &effort) {
    const float step = effort.coarse_step();
    ScaleTrial<Floats> best;
    for (int t = 0; t < effort.coarse; t++)
        try_inverse<L, Weighted>(set, unit * (effort.narrow + step * static_cast<float>(t)), best);
    return best;
}

template <class L, bool Weighted, class Set, class Floats = typename Set::Floats>
LevelSums<Floats> refined(const Set &set, Floats unit, ScaleTrial<Floats> best, const ScaleEffort &effort) {
    const Floats centre = best.inverse, step = unit * (effort.coarse_step() / static_cast<float>(effort.fine + 1));
    for (int t = -effort.fine; t <= effort.fine; t++)
        if (t != 0) try_inverse<L, Weighted>(set, centre + step * static_cast<float>(t), best);
    for (int i = 0; i < effort.refits; i++)
        try_inverse<L, Weighted>(set, ratio(best.sums.ll, best.sums.xl), best);
    return best.sums;
}

/// The best scales of either sign, the better first; the other is empty unless both are refined.
template <class Floats>
struct SignedFits {
    LevelSums<Floats> best, other;
};

template <class L, bool Weighted, class Set, class Floats = typename Set::Floats>
SignedFits<Floats> fit_scales(const Set &set, const ScaleEffort &effort) {
    const Floats extreme = extremes(set), down = ratio(Floats(L::low), extreme), up = ratio(Floats(L::high), extreme);
    const ScaleTrial<Floats> low = coarse_row<L, Weighted>(set, down, effort);
    if (effort.signs == Signs::one) return {refined<L, Weighted>(set, down, low, effort), {}};
    const ScaleTrial<Floats> high = coarse_row<L, Weighted>(set, up, effort);
    const auto better = high.sums.better_than(low.sums);
    ScaleTrial<Floats> first = low, second = high;
    first.replace_where(better, high);
    second.replace_where(better, low);
    SignedFits<Floats> fits{refined<L, Weighted>(set, select(better, up, down), first, effort), {}};
    if (effort.signs == Signs::better) return fits;
    fits.other = refined<L, Weighted>(set, select(better, down, up), second, effort);
    const auto swapped = fits.other.better_than(fits.best);
    const LevelSums<Floats> best = select(swapped, fits.other, fits.best);
    return {best, select(swapped, fits.best, fits.other)};
}

/// x = d * scale * level; scale is a whole number, 1 where a group is a block.
template <class Floats>
struct Scaled {
    Floats d = Floats(0), scale = Floats(1);

    Floats group_scale() const { return d * scale; }
};

/// Error of each group, as decoding will give it.
template <class L, bool Weighted, class Set, class Floats = typename Set::Floats>
Floats error_of(const Set &set, const Scaled<Floats> &p) {
    const Floats s = p.group_scale(), inverse = ratio(Floats(1), s);
    const typename L::template Nearest<Floats> nearest;
    Floats sum;
#pragma GCC unroll 2
    for (size_t i = 0; i < Set::width; i++) {
        const Floats x = set.at(i), e = x - s * nearest(x * inverse);
        sum += Weighted ? e * e * set.weight(i) : e * e;
    }
    return sum;
}

template <int Low, int High, class Floats>
Floats scale_code(Floats scale, Floats d) {
    return round_whole(clamp(ratio(scale, d), Low, High));
}

/// Scales from the extremes: each group's farthest weight on the lowest level, which
/// reaches farthest, and the largest of these scales on the lowest code.
template <class L, int Low, int High, class Set, class Floats = typename Set::Floats>
Scaled<Floats> round_scaled(const Set &set) {
    const Floats scale = extremes(set) / L::low;
    const Floats d = set.half(run_extreme<Set::groups>(scale) / Low);
    return {d, scale_code<Low, High>(scale, d)};
}

template <class L, int Low, int High, bool Weighted, class Set, class Floats = typename Set::Floats>
Scaled<Floats> search_scaled(const Set &set, const ScaleEffort &effort) {
    const SignedFits<Floats> fits = fit_scales<L, Weighted>(set, effort);
    const Floats scale = fits.best.scale(), other = fits.other.scale();
    const Floats most = run_extreme<Set::groups>(scale) / Low;
    constexpr float starts[] = {1.0f, 0.94f, 1.06f, 0.97f, 1.03f};
    Scaled<Floats> best;
    Floats best_gain = Floats(-1);
    const auto keep = [&](Floats d, Floats code, Floats gain) {
        const Floats total = run_sum<Set::groups>(gain);
        const auto better = best_gain < total;
        best_gain = select(better, total, best_gain);
        best.d = select(better, d, best.d);
        best.scale = select(better, code, best.scale);
    };
    for (int start = 0; start < effort.starts; start++) {
        Floats d = set.half(most * starts[start]), code = scale_code<Low, High>(scale, d);
        for (int pass = 0; pass < effort.passes; pass++) {
            LevelSums<Floats> sums;
            Floats most_gain = Floats(-INFINITY), settled = code;
            const auto settle_about = [&](Floats centre) {
                for (int step = -effort.radius; step <= effort.radius; step++) {
                    const Floats c = clamp(centre + static_cast<float>(step), Low, High), s = d * c;
                    const LevelSums<Floats> trial = level_sums<L, Weighted>(set, ratio(Floats(1), s));
                    const Floats gain = trial.gain(s);
                    const auto better = most_gain < gain;
                    most_gain = select(better, gain, most_gain);
                    settled = select(better, c, settled);
                    sums = select(better, trial, sums);
                }
            };
            settle_about(code);
            if (effort.signs == Signs::both && pass == 0) settle_about(scale_code<Low, High>(other, d));
            code = settled;
            keep(d, code, most_gain);
            const Floats wanted = set.half(
                ratio(run_sum<Set::groups>(code * sums.xl), run_sum<Set::groups>(code * code * sums.ll)));
            d = wanted;
            keep(d, code, sums.gain(d * code));
        }
    }
    return best;
}

} // namespace quant::lane
