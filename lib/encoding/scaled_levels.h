// Levels of the encodings of scaled_blocks.cpp: which number a code is, in units of a block's scale.
#pragma once

#include "encoding/float8.h"
#include "encoding/level_tables.h"
#include "encoding/scale_search.h"

#include <algorithm>
#include <iterator>

namespace quant {

/// 16 levels in any order.
template <const float (&Levels)[16]> struct TableLevels {
    static constexpr int bits = 4, trials = 24;
    static constexpr float low = -1, high = 1, narrow = 0.7f, wide = 1.2f;
    static float level(unsigned code) { return Levels[code]; }
    static constexpr float weight(float level, float d) { return level * d; }
    static float nearest(float v) {
        float best = Levels[0];
        for (const float l : Levels) best = std::abs(v - l) < std::abs(v - best) ? l : best;
        return best;
    }
    static unsigned code(float level) {
        return static_cast<unsigned>(std::find(std::begin(Levels), std::end(Levels), level) - std::begin(Levels));
    }
};
using NF4Levels = TableLevels<nf4_levels>;
using FP4Levels = TableLevels<fp4_levels>;

/// Whole numbers of which 127 is the scale itself. Divided last, as bitsandbytes does.
struct Absmax8Levels {
    static constexpr int bits = 8, trials = 32;
    static constexpr float low = -127, high = 127, narrow = 0.94f, wide = 1.03f;
    static float level(unsigned code) { return static_cast<float>(static_cast<int8_t>(code)); }
    static constexpr float weight(float level, float d) { return level * d / 127; }
    static float nearest(float v) { return WholeLevels<-127, 127>::nearest(v); }
    static unsigned code(float level) { return static_cast<uint8_t>(static_cast<int>(level)); }
};

struct E4M3Levels {
    static constexpr int bits = 8, trials = 12;
    static constexpr float low = -448, high = 448, narrow = 0.55f, wide = 1.1f;
    static float level(unsigned code) { return e4m3_values[code]; }
    static constexpr float weight(float level, float d) { return level * d; }
    static float nearest(float v) { return nearest_float8<3, -6>(v, high); }
    static unsigned code(float level) { return float8_code<3, -6>(level); }
};
struct E5M2Levels {
    static constexpr int bits = 8, trials = 12;
    static constexpr float low = -57344, high = 57344, narrow = 0.55f, wide = 1.1f;
    static float level(unsigned code) { return f32_from_e5m2(static_cast<uint8_t>(code)); }
    static constexpr float weight(float level, float d) { return level * d; }
    static float nearest(float v) { return nearest_float8<2, -14>(v, high); }
    static unsigned code(float level) { return float8_code<2, -14>(level); }
};

struct TernaryLevels {
    static constexpr int bits = 2, trials = 48;
    static constexpr float low = -1, high = 1, narrow = 0.9f, wide = 7;
    static float level(unsigned code) { return static_cast<float>(static_cast<int>(code) - 1); }
    static constexpr float weight(float level, float d) { return level * d; }
    static float nearest(float v) { return WholeLevels<-1, 1>::nearest(v); }
    static unsigned code(float level) { return static_cast<unsigned>(static_cast<int>(level) + 1); }
};

} // namespace quant
