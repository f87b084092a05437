// Where the numbers lie is told at the top of legacy_blocks.cpp, k_affine_blocks.cpp,
// k_scaled_blocks.cpp and table16_blocks.cpp.
#include "encoding/block_grid.h"

#include "encoding/block_bytes.h"
#include "encoding/cpu_clones.h"
#include "encoding/lane_levels.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

constexpr std::byte to_byte(int v) { return static_cast<std::byte>(v & 255); }

// Two codes a byte, weights i and i + n / 2 of a run of n.
template <size_t Run>
void unpack_nibbles(const std::byte *in, BlockGrid &g, size_t block) {
    for (size_t at = 0; at < block; at += Run, in += Run / 2)
        for (size_t i = 0; i < Run / 2; i++) {
            g.code[at + i] = static_cast<uint8_t>(load_byte(in + i) & 15);
            g.code[at + i + Run / 2] = static_cast<uint8_t>(load_byte(in + i) >> 4);
        }
}

// Two bits of each of 32 bytes become 32 codes, four times over, for each 128 weights.
void unpack_pairs(const std::byte *in, BlockGrid &g) {
    for (size_t half = 0; half < 2; half++)
        for (size_t quarter = 0; quarter < 4; quarter++)
            for (size_t l = 0; l < 32; l++)
                g.code[half * 128 + quarter * 32 + l] =
                    static_cast<uint8_t>(load_byte(in + half * 32 + l) >> (2 * quarter) & 3);
}

// One bit of each of 32 bytes, eight times over, to stand at `place` in the codes.
void unpack_bits(const std::byte *in, int place, BlockGrid &g) {
    for (size_t k = 0; k < 8; k++)
        for (size_t l = 0; l < 32; l++)
            g.code[k * 32 + l] = static_cast<uint8_t>(g.code[k * 32 + l] | (load_byte(in + l) >> k & 1) << place);
}

template <size_t Run>
void pack_nibbles(const BlockGrid &g, std::byte *out, size_t block) {
    for (size_t at = 0; at < block; at += Run)
        for (size_t i = 0; i < Run / 2; i++)
            out[at / 2 + i] = to_byte((g.code[at + i] & 15) | (g.code[at + i + Run / 2] & 15) << 4);
}

// Legacy blocks. Offsets of 0 mean: not there.
template <size_t MinimumAt, size_t HighBitsAt, size_t CodesAt>
struct Legacy {
    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in);
        g.dmin = MinimumAt ? -load_f16(in + MinimumAt) : 0;
        g.scale[0] = 1;
        g.minimum[0] = MinimumAt ? 1 : 0;
        unpack_nibbles<32>(in + CodesAt, g, 32);
        const uint32_t high = HighBitsAt ? load_u32(in + HighBitsAt) : 0;
        for (size_t i = 0; i < 32; i++) g.code[i] = static_cast<uint8_t>(g.code[i] | ((high >> i) & 1) << 4);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        store_f16(out, g.d);
        if (MinimumAt) store_f16(out + MinimumAt, -g.dmin);
        pack_nibbles<32>(g, out + CodesAt, 32);
        uint32_t high = 0;
        for (size_t i = 0; i < 32; i++) high |= static_cast<uint32_t>(g.code[i] >> 4 & 1) << i;
        if (HighBitsAt) store_u32(out + HighBitsAt, high);
    }
};

struct Q8_0 {
    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in);
        g.dmin = 0;
        g.scale[0] = 1, g.minimum[0] = 0;
        for (size_t i = 0; i < 32; i++) g.code[i] = static_cast<uint8_t>(static_cast<int8_t>(in[2 + i]) + 128);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        store_f16(out, g.d);
        for (size_t i = 0; i < 32; i++) out[2 + i] = to_byte(g.code[i] - 128);
    }
};

struct Q2_K {
    static size_t byte_of(size_t i) { return 16 + i / 128 * 32 + i % 32; }
    static int shift_of(size_t i) { return static_cast<int>(2 * (i % 128 / 32)); }

    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in + 80), g.dmin = load_f16(in + 82);
        for (size_t k = 0; k < 16; k++) g.scale[k] = load_byte(in + k) & 15, g.minimum[k] = load_byte(in + k) >> 4;
        unpack_pairs(in + 16, g);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        std::fill_n(out, 84, std::byte{0});
        store_f16(out + 80, g.d), store_f16(out + 82, g.dmin);
        for (size_t k = 0; k < 16; k++) out[k] = to_byte(g.scale[k] | g.minimum[k] << 4);
        for (size_t i = 0; i < 256; i++) out[byte_of(i)] |= to_byte(g.code[i] << shift_of(i));
    }
};

// Q4_K, and Q5_K with fifth bits.
template <bool FifthBits>
struct Q4or5_K {
    static constexpr size_t codes_at = FifthBits ? 48 : 16;

    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in), g.dmin = load_f16(in + 2);
        const std::byte *p = in + 4;
        for (size_t k = 0; k < 4; k++) {
            g.scale[k] = load_byte(p + k) & 63, g.minimum[k] = load_byte(p + k + 4) & 63;
            g.scale[k + 4] = (load_byte(p + k + 8) & 15) | load_byte(p + k) >> 6 << 4;
            g.minimum[k + 4] = load_byte(p + k + 8) >> 4 | load_byte(p + k + 4) >> 6 << 4;
        }
        unpack_nibbles<64>(in + codes_at, g, 256);
        if (FifthBits) unpack_bits(in + 16, 4, g);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        store_f16(out, g.d), store_f16(out + 2, g.dmin);
        std::byte *p = out + 4;
        for (size_t k = 0; k < 4; k++) {
            p[k] = to_byte(g.scale[k] | g.scale[k + 4] >> 4 << 6);
            p[k + 4] = to_byte(g.minimum[k] | g.minimum[k + 4] >> 4 << 6);
            p[k + 8] = to_byte((g.scale[k + 4] & 15) | (g.minimum[k + 4] & 15) << 4);
        }
        pack_nibbles<64>(g, out + codes_at, 256);
        if (!FifthBits) return;
        std::fill_n(out + 16, 32, std::byte{0});
        for (size_t i = 0; i < 256; i++) out[16 + i % 32] |= to_byte((g.code[i] >> 4 & 1) << (i / 32));
    }
};

struct Q3_K {
    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in + 108);
        g.dmin = 0;
        for (size_t k = 0; k < 16; k++) {
            const int low = load_byte(in + 96 + k % 8) >> (k / 8 * 4) & 15;
            g.scale[k] = (low | (load_byte(in + 104 + k % 4) >> (2 * (k / 4)) & 3) << 4) - 32;
            g.minimum[k] = 0;
        }
        unpack_pairs(in + 32, g);
        unpack_bits(in, 2, g);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        std::fill_n(out, 110, std::byte{0});
        store_f16(out + 108, g.d);
        for (size_t k = 0; k < 16; k++) {
            out[96 + k % 8] |= to_byte(((g.scale[k] + 32) & 15) << (k / 8 * 4));
            out[104 + k % 4] |= to_byte((g.scale[k] + 32) >> 4 << (2 * (k / 4)));
        }
        for (size_t i = 0; i < 256; i++) {
            out[32 + i / 128 * 32 + i % 32] |= to_byte((g.code[i] & 3) << Q2_K::shift_of(i));
            out[i % 32] |= to_byte((g.code[i] >> 2) << (i / 32));
        }
    }
};

struct Q6_K {
    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in + 208);
        g.dmin = 0;
        for (size_t k = 0; k < 16; k++) g.scale[k] = static_cast<int8_t>(in[192 + k]), g.minimum[k] = 0;
        BlockGrid high;
        unpack_pairs(in + 128, high);
        unpack_nibbles<128>(in, g, 256);
        for (size_t i = 0; i < 256; i++) g.code[i] = static_cast<uint8_t>(g.code[i] | high.code[i] << 4);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        std::fill_n(out, 210, std::byte{0});
        store_f16(out + 208, g.d);
        for (size_t k = 0; k < 16; k++) out[192 + k] = to_byte(g.scale[k]);
        for (size_t i = 0; i < 256; i++) {
            const size_t half = i / 128, quarter = i % 128 / 32, l = i % 32;
            out[half * 64 + quarter % 2 * 32 + l] |= to_byte((g.code[i] & 15) << (quarter / 2 * 4));
            out[128 + half * 32 + l] |= to_byte((g.code[i] >> 4) << (2 * quarter));
        }
    }
};

struct IQ4_XS {
    QUANT_CPU_CLONES static void unpack(const std::byte *in, BlockGrid &g) {
        g.d = load_f16(in);
        g.dmin = 0;
        for (size_t k = 0; k < 8; k++) {
            const int low = load_byte(in + 4 + k / 2) >> (k % 2 * 4) & 15;
            g.scale[k] = (low | (load_u16(in + 2) >> (2 * k) & 3) << 4) - 32;
            g.minimum[k] = 0;
        }
        unpack_nibbles<32>(in + 8, g, 256);
    }
    static void pack(const BlockGrid &g, std::byte *out) {
        std::fill_n(out, 8, std::byte{0});
        store_f16(out, g.d);
        unsigned high = 0;
        for (size_t k = 0; k < 8; k++) {
            out[4 + k / 2] |= to_byte(((g.scale[k] + 32) & 15) << (k % 2 * 4));
            high |= static_cast<unsigned>((g.scale[k] + 32) >> 4) << (2 * k);
        }
        store_u16(out + 2, static_cast<uint16_t>(high));
        pack_nibbles<32>(g, out + 8, 256);
    }
};

using Q4_0 = Legacy<0, 0, 2>;
using Q4_1 = Legacy<2, 0, 4>;
using Q5_0 = Legacy<0, 2, 6>;
using Q5_1 = Legacy<2, 4, 8>;
using Q4_K = Q4or5_K<false>;
using Q5_K = Q4or5_K<true>;

constexpr const float *uneven = lane::uneven_levels.data();

constexpr GridLayout layouts[] = {
    {QUANT_Q4_0, 32, 1, 15, -8, nullptr, 1, 1, 0, 0, false, Q4_0::unpack, Q4_0::pack},
    {QUANT_Q4_1, 32, 1, 15, 0, nullptr, 1, 1, 1, 1, true, Q4_1::unpack, Q4_1::pack},
    {QUANT_Q5_0, 32, 1, 31, -16, nullptr, 1, 1, 0, 0, false, Q5_0::unpack, Q5_0::pack},
    {QUANT_Q5_1, 32, 1, 31, 0, nullptr, 1, 1, 1, 1, true, Q5_1::unpack, Q5_1::pack},
    {QUANT_Q8_0, 32, 1, 255, -128, nullptr, 1, 1, 0, 0, false, Q8_0::unpack, Q8_0::pack},
    {QUANT_Q2_K, 256, 16, 3, 0, nullptr, 0, 15, 0, 15, false, Q2_K::unpack, Q2_K::pack},
    {QUANT_Q3_K, 256, 16, 7, -4, nullptr, -32, 31, 0, 0, false, Q3_K::unpack, Q3_K::pack},
    {QUANT_Q4_K, 256, 8, 15, 0, nullptr, 0, 63, 0, 63, false, Q4_K::unpack, Q4_K::pack},
    {QUANT_Q5_K, 256, 8, 31, 0, nullptr, 0, 63, 0, 63, false, Q5_K::unpack, Q5_K::pack},
    {QUANT_Q6_K, 256, 16, 63, -32, nullptr, -128, 127, 0, 0, false, Q6_K::unpack, Q6_K::pack},
    {QUANT_IQ4_NL, 32, 1, 15, 0, uneven, 1, 1, 0, 0, false, Q4_0::unpack, Q4_0::pack},
    {QUANT_IQ4_XS, 256, 8, 15, 0, uneven, -32, 31, 0, 0, false, IQ4_XS::unpack, IQ4_XS::pack},
};

} // namespace

int GridLayout::nearest(float v) const {
    if (!table) return static_cast<int>(std::nearbyint(std::clamp(v - static_cast<float>(level_low), 0.0f,
                                                                  static_cast<float>(code_high))));
    const float *end = table + code_high + 1;
    const float *above = std::lower_bound(table, end, v);
    if (above == table) return 0;
    if (above == end) return code_high;
    return static_cast<int>(above - table) - (v - above[-1] < *above - v ? 1 : 0);
}

const GridLayout *find_grid_layout(quant_encoding encoding) noexcept {
    const auto *found = std::find_if(std::begin(layouts), std::end(layouts),
                                     [&](const GridLayout &l) { return l.encoding == encoding; });
    return found == std::end(layouts) ? nullptr : found;
}

} // namespace quant
