// Q2_K, Q4_K, Q5_K: super-blocks with a scale and a minimum for each group.
//
// Q2_K: 16 bytes (scale in the low nibble, minimum in the high, for 16 weights each),
//       64 bytes of 2-bit codes, d, dmin
// Q4_K: d, dmin, 12 bytes of 6-bit scales and minimums for 32 weights each, 128 bytes
//       of 4-bit codes
// Q5_K: d, dmin, the same 12 bytes, 32 bytes of fifth bits, 128 bytes of 4-bit codes
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

struct ScaleAndMinimumCode {
    int scale, minimum;
};

// The 12 bytes hold 8 scales and 8 minimums of 6 bits: the first four of each whole in
// a byte, the last four as low nibbles in a pair, their two high bits above the first.
ScaleAndMinimumCode unpack_6bit(const std::byte *p, size_t g) {
    if (g < 4) return {load_byte(p + g) & 63, load_byte(p + g + 4) & 63};
    return {(load_byte(p + g + 4) & 15) | (load_byte(p + g - 4) >> 6 << 4),
            (load_byte(p + g + 4) >> 4) | (load_byte(p + g) >> 6 << 4)};
}

void pack_6bit(const BlockScales &p, std::byte *out) {
    std::array<int, 8> scale, minimum;
    std::copy_n(p.scale, 8, scale.begin());
    std::copy_n(p.minimum, 8, minimum.begin());
    for (size_t g = 0; g < 4; g++) {
        out[g] = static_cast<std::byte>(scale[g] | (scale[g + 4] >> 4 << 6));
        out[g + 4] = static_cast<std::byte>(minimum[g] | (minimum[g + 4] >> 4 << 6));
        out[g + 8] = static_cast<std::byte>((scale[g + 4] & 15) | ((minimum[g + 4] & 15) << 4));
    }
}

// What Q2_K, Q4_K and Q5_K search alike: codes 0 .. Top under scales and minimums of
// 0 .. CodeTop for each of Groups groups.
template <size_t Groups, int Top, int CodeTop>
struct AffineSuperBlock {
    static constexpr size_t groups = Groups, width = super_block / Groups;

    template <class Set>
    static auto round(const Set &set) {
        return round_affine<Top, CodeTop>(set);
    }
    template <bool Weighted, class Set>
    static auto search(const Set &set, const AffineEffort &effort) {
        return search_affine<Top, CodeTop, Weighted>(set, effort);
    }
    template <bool Weighted, class Set, class Floats>
    static Floats error(const Set &set, const Affine<Floats> &p) {
        return error_of<Top, Weighted>(set, p);
    }

    template <class Floats>
    static std::array<uint8_t, super_block> codes(const float *x, const BlockScales &p) {
        std::array<uint8_t, super_block> q;
        for (size_t g = 0; g < Groups; g++)
            affine_codes<Floats>(x + g * width, width, p.d[0] * p.scale[g], p.dmin[0] * p.minimum[g], Top,
                         q.data() + g * width);
        return q;
    }
};

struct Q2_K : AffineSuperBlock<16, 3, 15> {
    static constexpr size_t bytes = 84;
    static constexpr AffineEffort fast{0.6f, 4, 1, 1, 1, 1}, deep{0.8f, 13, 6, 2, 5, 2};

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 80), dmin = load_f16(in + 82);
            for (size_t g = 0; g < groups; g++) {
                const float s = d * static_cast<float>(load_byte(in + g) & 15);
                const float m = dmin * static_cast<float>(load_byte(in + g) >> 4);
                const std::byte *quads = in + 16 + g / 8 * 32 + g % 2 * width;
                const CodeLanes q = (byte_lanes(quads) >> static_cast<int>(2 * (g % 8 / 2))) & 3;
                store_lanes(out + g * width, s * as_weights(q) - m);
            }
        }
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        const auto q = codes<Floats>(x, p);
        for (size_t g = 0; g < groups; g++)
            out[g] = static_cast<std::byte>(static_cast<int>(p.scale[g]) | (static_cast<int>(p.minimum[g]) << 4));
        for (size_t half = 0; half < 2; half++)
            for (size_t l = 0; l < 32; l++) {
                const uint8_t *at = q.data() + half * 128 + l;
                out[16 + half * 32 + l] = static_cast<std::byte>(at[0] | at[32] << 2 | at[64] << 4 | at[96] << 6);
            }
        store_f16(out + 80, p.d[0]);
        store_f16(out + 82, p.dmin[0]);
    }
};

// Q4_K and Q5_K differ in the fifth bits.
template <bool FifthBits>
struct Q4or5_K : AffineSuperBlock<8, FifthBits ? 31 : 15, 63> {
    static constexpr size_t codes_at = FifthBits ? 48 : 16, bytes = codes_at + 128;
    static constexpr AffineEffort fast{FifthBits ? 1.5f : 1.2f, 4, 1, 1, 1, 1},
        deep{FifthBits ? 3.0f : 2.0f, 13, 6, 2, 5, 3};

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in), dmin = load_f16(in + 2);
            for (size_t g = 0; g < 8; g++) {
                const auto [scale, minimum] = unpack_6bit(in + 4, g);
                const float s = d * static_cast<float>(scale), m = dmin * static_cast<float>(minimum);
                for (size_t l = 0; l < 32; l += code_lanes) {
                    CodeLanes q = (byte_lanes(in + codes_at + g / 2 * 32 + l) >> static_cast<int>(g % 2 * 4)) & 15;
                    if constexpr (FifthBits) q |= ((byte_lanes(in + 16 + l) >> static_cast<int>(g)) & 1) << 4;
                    store_lanes(out + g * 32 + l, s * as_weights(q) - m);
                }
            }
        }
    }

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        const auto q = Q4or5_K::template codes<Floats>(x, p);
        store_f16(out, p.d[0]);
        store_f16(out + 2, p.dmin[0]);
        pack_6bit(p, out + 4);
        for (size_t pair = 0; pair < 4; pair++)
            for (size_t l = 0; l < 32; l++) {
                const uint8_t *at = q.data() + pair * 64 + l;
                out[codes_at + pair * 32 + l] = static_cast<std::byte>((at[0] & 15) | at[32] << 4);
            }
        for (size_t l = 0; FifthBits && l < 32; l++) {
            int bits = 0;
            for (size_t g = 0; g < 8; g++) bits |= q[g * 32 + l] >> 4 << g;
            out[16 + l] = static_cast<std::byte>(bits);
        }
    }
};

using Q4_K = Q4or5_K<false>;
using Q5_K = Q4or5_K<true>;

} // namespace

QUANT_CPU_CLONES void decode_q2_k(const std::byte *in, float *out, size_t blocks) { Q2_K::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q4_k(const std::byte *in, float *out, size_t blocks) { Q4_K::decode(in, out, blocks); }
QUANT_CPU_CLONES void decode_q5_k(const std::byte *in, float *out, size_t blocks) { Q5_K::decode(in, out, blocks); }

void encode_q2_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q2_K>(in, importance, out, blocks, method);
}
void encode_q4_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q4_K>(in, importance, out, blocks, method);
}
void encode_q5_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                 quant_method method) {
    encode_lanes<Q5_K>(in, importance, out, blocks, method);
}

} // namespace quant
