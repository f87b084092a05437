// Q2_K, Q4_K, Q5_K: super-blocks with a scale and a minimum for each group.
//
// Q2_K: 16 bytes (scale in the low nibble, minimum in the high, for 16 weights each),
//       64 bytes of 2-bit codes, d, dmin
// Q4_K: d, dmin, 12 bytes of 6-bit scales and minimums for 32 weights each, 128 bytes
//       of 4-bit codes
// Q5_K: d, dmin, the same 12 bytes, 32 bytes of fifth bits, 128 bytes of 4-bit codes
#include "encoding/block_codecs.h"
#include "encoding/super_block.h"

namespace quant {

namespace {

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

void pack_6bit(const AffineCodes<8> &c, std::byte *p) {
    for (size_t g = 0; g < 4; g++) {
        p[g] = static_cast<std::byte>(c.scale[g] | (c.scale[g + 4] >> 4 << 6));
        p[g + 4] = static_cast<std::byte>(c.minimum[g] | (c.minimum[g + 4] >> 4 << 6));
        p[g + 8] = static_cast<std::byte>((c.scale[g + 4] & 15) | ((c.minimum[g + 4] & 15) << 4));
    }
}

// The code of each weight under the chosen scales.
template <class Shape>
std::array<int, super_block> weight_codes(const SuperFrame &f, const AffineCodes<Shape::groups> &c) {
    std::array<int, super_block> q;
    for (size_t i = 0; i < super_block; i++) {
        const size_t g = i / Shape::width;
        const float s = c.d * static_cast<float>(c.scale[g]), m = c.dmin * static_cast<float>(c.minimum[g]);
        q[i] = s != 0 ? static_cast<int>(round_whole(std::clamp((f.x[i] + m) / s, 0.0f, Shape::top))) : 0;
    }
    return q;
}

// Each group from its ends, without a search.
template <class Shape>
AffineCodes<Shape::groups> round_affine(const SuperFrame &f) {
    std::array<AffineFit, Shape::groups> fits;
    float most_scale = 0, most_minimum = 0;
    for (size_t g = 0; g < Shape::groups; g++) {
        const float *x = f.x.data() + g * Shape::width;
        const auto [low, high] = std::minmax_element(x, x + Shape::width);
        fits[g].minimum = std::max(0.0f, -*low);
        fits[g].scale = (std::max(0.0f, *high) + fits[g].minimum) / Shape::top;
        most_scale = std::max(most_scale, fits[g].scale);
        most_minimum = std::max(most_minimum, fits[g].minimum);
    }
    return codes_for<Shape>(f, fits, most_scale / Shape::code_top, most_minimum / Shape::code_top);
}

struct Q2_K {
    using Shape = AffineShape<16, 3, 15>;
    static constexpr size_t bytes = 84;
    static constexpr float reach = 0.8f;
    static constexpr int trials = 13, radius = 2;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 80), dmin = load_f16(in + 82);
            for (size_t i = 0; i < super_block; i++) {
                const int sm = load_byte(in + i / 16);
                const int q = (load_byte(in + 16 + i / 128 * 32 + i % 32) >> (2 * (i % 128 / 32))) & 3;
                out[i] = d * static_cast<float>(sm & 15) * static_cast<float>(q) - dmin * static_cast<float>(sm >> 4);
            }
        }
    }

    static void store(const SuperFrame &f, const AffineCodes<16> &c, std::byte *out) {
        const auto q = weight_codes<Shape>(f, c);
        std::fill_n(out, bytes, std::byte{0});
        for (size_t g = 0; g < 16; g++) out[g] = static_cast<std::byte>(c.scale[g] | (c.minimum[g] << 4));
        for (size_t i = 0; i < super_block; i++)
            out[16 + i / 128 * 32 + i % 32] |= static_cast<std::byte>(q[i] << (2 * (i % 128 / 32)));
        f.store_half(out + 80, c.d);
        f.store_half(out + 82, c.dmin);
    }
};

// Q4_K and Q5_K differ in the fifth bits.
template <bool FifthBits>
struct Q4or5_K {
    using Shape = AffineShape<8, FifthBits ? 31 : 15, 63>;
    static constexpr size_t codes_at = FifthBits ? 48 : 16, bytes = codes_at + 128;
    static constexpr float reach = FifthBits ? 3.0f : 2.0f;
    static constexpr int trials = 13, radius = 3;

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in), dmin = load_f16(in + 2);
            for (size_t g = 0; g < 8; g++) {
                const auto [scale, minimum] = unpack_6bit(in + 4, g);
                const float s = d * static_cast<float>(scale), m = dmin * static_cast<float>(minimum);
                for (size_t l = 0; l < 32; l++) {
                    const int pair = load_byte(in + codes_at + g / 2 * 32 + l);
                    int q = g % 2 == 0 ? pair & 15 : pair >> 4;
                    if (FifthBits) q |= ((load_byte(in + 16 + l) >> g) & 1) << 4;
                    out[g * 32 + l] = s * static_cast<float>(q) - m;
                }
            }
        }
    }

    static void store(const SuperFrame &f, const AffineCodes<8> &c, std::byte *out) {
        const auto q = weight_codes<Shape>(f, c);
        std::fill_n(out, bytes, std::byte{0});
        f.store_half(out, c.d);
        f.store_half(out + 2, c.dmin);
        pack_6bit(c, out + 4);
        for (size_t i = 0; i < super_block; i++) {
            const size_t g = i / 32, l = i % 32;
            out[codes_at + g / 2 * 32 + l] |= static_cast<std::byte>((q[i] & 15) << (g % 2 * 4));
            if (FifthBits) out[16 + l] |= static_cast<std::byte>((q[i] >> 4) << g);
        }
    }
};

using Q4_K = Q4or5_K<false>;
using Q5_K = Q4or5_K<true>;

template <class Codec>
void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    const auto search = [](const SuperFrame &f, std::byte *to) {
        Codec::store(f, search_affine<typename Codec::Shape>(f, Codec::reach, Codec::trials, Codec::radius), to);
    };
    const auto round = [](const SuperFrame &f, std::byte *to) {
        Codec::store(f, round_affine<typename Codec::Shape>(f), to);
    };
    encode_blocks<super_block, Codec::bytes>(in, importance, out, blocks, method, search, round, Codec::decode);
}

} // namespace

void decode_q2_k(const std::byte *in, float *out, size_t blocks) { Q2_K::decode(in, out, blocks); }
void decode_q4_k(const std::byte *in, float *out, size_t blocks) { Q4_K::decode(in, out, blocks); }
void decode_q5_k(const std::byte *in, float *out, size_t blocks) { Q5_K::decode(in, out, blocks); }

QUANT_CPU_CLONES void encode_q2_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q2_K>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_q4_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q4_K>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_q5_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q5_K>(in, importance, out, blocks, method);
}

} // namespace quant
