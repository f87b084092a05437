// Levels of the encodings of scaled_blocks.cpp: which number a code is, in units of a block's scale.
#pragma once

#include "encoding/float8.h"
#include "encoding/scale_search.h"

#include <algorithm>
#include <array>

namespace quant {

/// 16 levels in any order, of which the table is the standard of bitsandbytes.
template <class Table> struct TableLevels {
    static constexpr int bits = 4, trials = 24;
    static constexpr float low = -1, high = 1, narrow = 0.7f, wide = 1.2f;
    static float level(unsigned code) { return Table::levels[code]; }
    static constexpr float weight(float level, float d) { return level * d; }
    static float nearest(float v) {
        float best = Table::levels[0];
        for (const float l : Table::levels) best = std::abs(v - l) < std::abs(v - best) ? l : best;
        return best;
    }
    static unsigned code(float level) {
        return static_cast<unsigned>(std::find(Table::levels.begin(), Table::levels.end(), level) -
                                     Table::levels.begin());
    }
};
/// Where a sixteenth each of normal weights lies, as QLoRA tells.
struct NF4Table {
    static constexpr std::array<float, 16> levels = {-1.0f,
                                                     -0.6961928009986877f,
                                                     -0.5250730514526367f,
                                                     -0.39491748809814453f,
                                                     -0.28444138169288635f,
                                                     -0.18477343022823334f,
                                                     -0.09105003625154495f,
                                                     0.0f,
                                                     0.07958029955625534f,
                                                     0.16093020141124725f,
                                                     0.24611230194568634f,
                                                     0.33791524171829224f,
                                                     0.44070982933044434f,
                                                     0.5626170039176941f,
                                                     0.7229568362236023f,
                                                     1.0f};
};
struct FP4Table {
    static constexpr float last = 0.0052083334885537624f, sixth = 0.1666666716337204f, third = 0.3333333432674408f,
                           two_thirds = 0.6666666865348816f;
    static constexpr std::array<float, 16> levels = {0.0f, last,  two_thirds,  1.0f,  third,  0.5f,  sixth,  0.25f,
                                                     0.0f, -last, -two_thirds, -1.0f, -third, -0.5f, -sixth, -0.25f};
};
using NF4Levels = TableLevels<NF4Table>;
using FP4Levels = TableLevels<FP4Table>;

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
