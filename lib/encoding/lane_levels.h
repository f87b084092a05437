// Levels that codes stand for, in lanes: whole numbers, or the 16 uneven ones of IQ4.
#pragma once

#include "encoding/lanes.h"

#include <array>

namespace quant::lane {

/// Levels Low .. High, all whole numbers.
template <int Low, int High>
struct WholeLevels {
    static constexpr float low = Low, high = High;

    template <class Floats>
    struct Nearest {
        Bounds<Floats> bounded{low, high};

        Floats operator()(Floats v) const { return round_whole(bounded(v)); }
        Floats code(Floats v) const { return (*this)(v) - low; }
    };
};

/// The 16 levels of IQ4_NL and IQ4_XS: steps widen with distance from zero.
inline constexpr std::array<float, 16> uneven_levels = {-127, -104, -83, -65, -49, -35, -22, -10,
                                                        1,    13,   25,  38,  53,  69,  89,  113};

/// The line cut in stretches of 8 about the multiples of 8. Levels are at least 11
/// apart, so a stretch has at most one middle between levels, and it is enough to know
/// that middle and the levels on its sides. Stretch k is at place k modulo 32.
struct UnevenStretches {
    std::array<float, 32> middle{}, lower{}, upper{}, lower_code{};

    constexpr UnevenStretches() {
        for (int k = -16; k <= 14; k++) {
            const auto at = static_cast<size_t>(k & 31);
            size_t code = 0;
            while (code < 14 && between(code) < static_cast<float>(8 * k - 4)) code++;
            lower_code[at] = static_cast<float>(code);
            lower[at] = uneven_levels[code];
            upper[at] = uneven_levels[code + 1];
            middle[at] = between(code);
        }
    }
    static constexpr float between(size_t code) { return (uneven_levels[code] + uneven_levels[code + 1]) / 2; }
};

inline constexpr UnevenStretches uneven_stretches;

struct UnevenLevels {
    static constexpr float low = uneven_levels.front(), high = uneven_levels.back();

    template <class Floats>
    struct Nearest {
        Bounds<Floats> bounded{low, high};

        Floats operator()(Floats v) const {
            const Place p(bounded(v));
            return select(p.below, p.in(uneven_stretches.lower), p.in(uneven_stretches.upper));
        }
        Floats code(Floats v) const {
            const Place p(bounded(v));
            return p.in(uneven_stretches.lower_code) + select(p.below, Floats(0.0f), Floats(1.0f));
        }

    private:
        struct Place {
            typename Floats::Ints stretch, below; ///< Below: the middle in its stretch.

            // Floats of 8 times the size of whole_magic have a step of 8.
            explicit Place(Floats v) : stretch(bits_of(v + 8 * whole_magic)), below(v < in(uneven_stretches.middle)) {}
            Floats in(const std::array<float, 32> &of) const { return Floats::in_table(of, stretch); }
        };
    };
};

} // namespace quant::lane
