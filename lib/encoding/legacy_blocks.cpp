// Q4_0, Q4_1, Q5_0, Q5_1, Q8_0: blocks of 32 with a half-precision scale, and for the
// _1 types a half-precision minimum that is added.
//
// Q4_0: d, 16 bytes of two codes (weights i and i + 16); x = d * (code - 8)
// Q4_1: d, m, 16 bytes; x = d * code + m
// Q5_0: d, 32 bits of fifth code bits, 16 bytes; x = d * (code - 16)
// Q5_1: d, m, 32 bits, 16 bytes; x = d * code + m
// Q8_0: d, 32 signed bytes; x = d * code
#include "encoding/block_bytes.h"
#include "encoding/block_codecs.h"
#include "encoding/code_lanes.h"
#include "encoding/cpu_clones.h"
#include "encoding/lane_encode.h"

#include <array>

namespace quant {

using namespace lane;

namespace {

constexpr size_t block = 32, half_block = 16;

// What `weight` makes of the codes: nibbles, and fifth bits of `high` where there are any.
template <bool FifthBits, class WeightOf>
void decode_codes(const std::byte *nibbles, uint32_t high, float *out, const WeightOf &weight) {
    for (int half = 0; half < 2; half++) {
        CodeLanes codes = (byte_lanes(nibbles) >> (4 * half)) & 15;
        if constexpr (FifthBits) codes |= bit_lanes(high >> (16 * half)) << 4;
        store_lanes(out + half * static_cast<int>(code_lanes), weight(as_weights(codes)));
    }
}

// Codes of 4 bits in two-code bytes, and their fifth bits where `high` is given.
void store_codes(const uint8_t *codes, std::byte *nibbles, std::byte *high) {
    for (size_t i = 0; i < half_block; i++)
        nibbles[i] = static_cast<std::byte>((codes[i] & 15) | ((codes[i + half_block] & 15) << 4));
    if (!high) return;
    uint32_t bits = 0;
    for (size_t i = 0; i < block; i++) bits |= static_cast<uint32_t>((codes[i] >> 4) & 1) << i;
    store_u32(high, bits);
}

// A block with a scale alone, codes counted from the lowest level.
template <int Low, int High, size_t HighBitsAt, size_t CodesAt, size_t Bytes>
struct ScaleOnly : ScaledBlock<WholeLevels<Low, High>> {
    static constexpr size_t bytes = Bytes;
    // With 16 levels the short search clips no extreme weight: that saves little squared
    // error, and costs divergence where the input of such a weight is large.
    static constexpr ScaleEffort fast = High < 8 ? ScaleEffort{0.97f, 1.06f, 5, 1, 1, Signs::one}
                                                 : ScaleEffort{0.65f, 1.1f, 6, 2, 1, Signs::one},
                                 deep{0.55f, 1.1f, 28, 2, 6, Signs::both};

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += Bytes, out += block) {
            const float d = load_f16(in);
            const uint32_t high = HighBitsAt ? load_u32(in + HighBitsAt) : 0;
            decode_codes<HighBitsAt != 0>(in + CodesAt, high, out, [&](WeightLanes code) { return (code + float{Low}) * d; });
        }
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        std::array<uint8_t, block> codes;
        level_codes<Floats, WholeLevels<Low, High>>(x, block, p.d[0], codes.data());
        store_f16(out, p.d[0]);
        store_codes(codes.data(), out + CodesAt, HighBitsAt ? out + HighBitsAt : nullptr);
    }
};

using Q4_0 = ScaleOnly<-8, 7, 0, 2, 18>;
using Q5_0 = ScaleOnly<-16, 15, 2, 6, 22>;

// A block with a scale and an added minimum.
template <int Top, size_t HighBitsAt, size_t CodesAt, size_t Bytes>
struct ScaleAndAdded {
    static constexpr size_t groups = 1, width = block, bytes = Bytes;
    // The short search that suffices elsewhere costs a quarter more divergence here.
    static constexpr AffineEffort deep{Top * 0.15f, 15, 6}, fast = deep;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += Bytes, out += block) {
            const float d = load_f16(in), m = load_f16(in + 2);
            const uint32_t high = HighBitsAt ? load_u32(in + HighBitsAt) : 0;
            decode_codes<HighBitsAt != 0>(in + CodesAt, high, out, [&](WeightLanes code) { return code * d + m; });
        }
    }

    template <class Set>
    static auto round(const Set &set) {
        const auto [low, high] = ends(set);
        return Affine<typename Set::Floats>{set.half((high - low) / Top), set.half(-low)};
    }
    template <bool Weighted, class Set>
    static auto search(const Set &set, const AffineEffort &effort) {
        return search_free_affine<Top, Weighted>(set, effort);
    }
    template <bool Weighted, class Set, class Floats>
    static Floats error(const Set &set, const Affine<Floats> &p) {
        return error_of<Top, Weighted>(set, p);
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        std::array<uint8_t, block> codes;
        affine_codes<Floats>(x, block, p.d[0], p.dmin[0], Top, codes.data());
        store_f16(out, p.d[0]);
        store_f16(out + 2, -p.dmin[0]);
        store_codes(codes.data(), out + CodesAt, HighBitsAt ? out + HighBitsAt : nullptr);
    }
};

using Q4_1 = ScaleAndAdded<15, 0, 4, 20>;
using Q5_1 = ScaleAndAdded<31, 4, 8, 24>;

struct Q8_0 : ScaledBlock<WholeLevels<-128, 127>> {
    static constexpr size_t bytes = 34;
    static constexpr ScaleEffort fast{0.985f, 1.01f, 5, 0, 0, Signs::one}, deep{0.985f, 1.01f, 8, 2, 2, Signs::better};

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += block) {
            const float d = load_f16(in);
            for (size_t i = 0; i < block; i += code_lanes)
                store_lanes(out + i, as_weights((byte_lanes(in + 2 + i) ^ 128) - 128) * d);
        }
    }

    template <class Set>
    static auto round(const Set &set) {
        return Scaled<typename Set::Floats>{set.half(abs(extremes(set)) / 127)};
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        std::array<uint8_t, block> codes;
        level_codes<Floats, Levels>(x, block, p.d[0], codes.data());
        store_f16(out, p.d[0]);
        // Codes count from -128.
        for (size_t i = 0; i < block; i++) out[2 + i] = static_cast<std::byte>(codes[i] ^ 128);
    }
};

} // namespace

QUANT_CPU_CLONES void decode_q4_0(const std::byte *in, float *out, size_t blocks) { Q4_0::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q4_1(const std::byte *in, float *out, size_t blocks) { Q4_1::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q5_0(const std::byte *in, float *out, size_t blocks) { Q5_0::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q5_1(const std::byte *in, float *out, size_t blocks) { Q5_1::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q8_0(const std::byte *in, float *out, size_t blocks) { Q8_0::decode(in, out, blocks); }

void encode_q4_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q4_0>(in, importance, out, blocks, method);
}

void encode_q4_1(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q4_1>(in, importance, out, blocks, method);
}

void encode_q5_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q5_0>(in, importance, out, blocks, method);
}

void encode_q5_1(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q5_1>(in, importance, out, blocks, method);
}

void encode_q8_0(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q8_0>(in, importance, out, blocks, method);
}

} // namespace quant
