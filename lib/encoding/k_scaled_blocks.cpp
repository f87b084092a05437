// Q3_K and Q6_K: super-blocks of 16 groups with a scale each, no minimums.
//
// Q3_K: 32 bytes of third bits, 64 bytes of 2-bit codes, 12 bytes of 6-bit scales
//       (stored with 32 added), d; x = d * (scale - 32) * (code - 4)
// Q6_K: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed bytes of
//       scales, d; x = d * scale * (code - 32)
#include "encoding/block_bytes.h"
#include "encoding/block_codecs.h"
#include "encoding/code_lanes.h"
#include "encoding/cpu_clones.h"
#include "encoding/lane_encode.h"

#include <array>

namespace quant {

using namespace lane;

namespace {

constexpr size_t super_block = 256;

constexpr size_t groups = 16, width = 16;
static_assert(width == code_lanes);

template <class Floats, class Levels>
std::array<uint8_t, super_block> codes(const float *x, const BlockScales &p) {
    std::array<uint8_t, super_block> q;
    for (size_t g = 0; g < groups; g++)
        level_codes<Floats, Levels>(x + g * width, width, p.d[0] * p.scale[g], q.data() + g * width);
    return q;
}

struct Q3_K : ScaledSuperBlock<groups, WholeLevels<-4, 3>, -32, 31> {
    static constexpr size_t bytes = 110;
    static constexpr ScaleEffort fast{0.55f, 1.15f, 5, 1, 1, Signs::one, 1, 1, 1},
        deep{0.45f, 1.15f, 24, 2, 6, Signs::both, 3, 4, 4};

    // Low nibbles of the 16 scales in 8 bytes, their high pairs in 4 more.
    static int scale(const std::byte *p, size_t g) {
        const int low = g < 8 ? load_byte(p + g) & 15 : load_byte(p + g - 8) >> 4;
        return (low | ((load_byte(p + 8 + g % 4) >> (2 * (g / 4))) & 3) << 4) - 32;
    }

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 108);
            for (size_t g = 0; g < groups; g++) {
                const float s = d * static_cast<float>(scale(in + 96, g));
                const std::byte *pairs = in + 32 + g / 8 * 32 + g % 2 * width, *thirds = in + g % 2 * width;
                const CodeLanes low = (byte_lanes(pairs) >> static_cast<int>(2 * (g % 8 / 2))) & 3;
                const CodeLanes high = (byte_lanes(thirds) >> static_cast<int>(g / 2)) & 1;
                store_lanes(out + g * width, s * as_weights((low | high << 2) - 4));
            }
        }
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        const auto q = codes<Floats, Levels>(x, p);
        for (size_t l = 0; l < 32; l++) {
            int bits = 0;
            for (size_t part = 0; part < 8; part++) bits |= q[part * 32 + l] >> 2 << part;
            out[l] = static_cast<std::byte>(bits);
        }
        for (size_t half = 0; half < 2; half++)
            for (size_t l = 0; l < 32; l++) {
                const uint8_t *at = q.data() + half * 128 + l;
                out[32 + half * 32 + l] = static_cast<std::byte>((at[0] & 3) | (at[32] & 3) << 2 | (at[64] & 3) << 4 |
                                                                 (at[96] & 3) << 6);
            }
        std::fill_n(out + 96, 12, std::byte{0});
        for (size_t g = 0; g < groups; g++) {
            const int code = static_cast<int>(p.scale[g]) + 32;
            out[96 + g % 8] |= static_cast<std::byte>((code & 15) << (g / 8 * 4));
            out[104 + g % 4] |= static_cast<std::byte>((code >> 4) << (2 * (g / 4)));
        }
        store_f16(out + 108, p.d[0]);
    }
};

struct Q6_K : ScaledSuperBlock<groups, WholeLevels<-32, 31>, -128, 127> {
    static constexpr size_t bytes = 210;
    static constexpr ScaleEffort fast{0.86f, 1.04f, 9, 1, 1, Signs::one, 1, 1, 1},
        deep{0.86f, 1.04f, 14, 2, 6, Signs::both, 3, 4, 2};

    // A half of 128 has four quarters: their high pairs share bytes, and of their low
    // nibbles those of the first and third, and of the second and fourth.
    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 208);
            for (size_t g = 0; g < groups; g++) {
                const size_t half = g / 8, quarter = g % 8 / 2, within = g % 2 * width;
                const float s = d * static_cast<float>(static_cast<int8_t>(in[192 + g]));
                const std::byte *nibbles = in + half * 64 + quarter % 2 * 32 + within;
                const std::byte *pairs = in + 128 + half * 32 + within;
                const CodeLanes low = (byte_lanes(nibbles) >> static_cast<int>(quarter / 2 * 4)) & 15;
                const CodeLanes high = (byte_lanes(pairs) >> static_cast<int>(2 * quarter)) & 3;
                store_lanes(out + g * width, s * as_weights((low | high << 4) - 32));
            }
        }
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        const auto q = codes<Floats, Levels>(x, p);
        for (size_t half = 0; half < 2; half++)
            for (size_t l = 0; l < 32; l++) {
                const uint8_t *at = q.data() + half * 128 + l;
                out[half * 64 + l] = static_cast<std::byte>((at[0] & 15) | at[64] << 4);
                out[half * 64 + 32 + l] = static_cast<std::byte>((at[32] & 15) | at[96] << 4);
                out[128 + half * 32 + l] = static_cast<std::byte>(at[0] >> 4 | at[32] >> 4 << 2 | at[64] >> 4 << 4 |
                                                                  at[96] >> 4 << 6);
            }
        for (size_t g = 0; g < groups; g++) out[192 + g] = static_cast<std::byte>(static_cast<int8_t>(p.scale[g]));
        store_f16(out + 208, p.d[0]);
    }
};

} // namespace

QUANT_CPU_CLONES void decode_q3_k(const std::byte *in, float *out, size_t blocks) { Q3_K::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q6_k(const std::byte *in, float *out, size_t blocks) { Q6_K::decode(in, out, blocks); }

void encode_q3_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q3_K>(in, importance, out, blocks, method);
}
void encode_q6_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q6_K>(in, importance, out, blocks, method);
}

} // namespace quant
