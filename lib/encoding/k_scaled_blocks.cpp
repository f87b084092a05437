// Q3_K and Q6_K: super-blocks of 16 groups with a scale each, no minimums.
//
// Q3_K: 32 bytes of third bits, 64 bytes of 2-bit codes, 12 bytes of 6-bit scales
//       (stored with 32 added), d; x = d * (scale - 32) * (code - 4)
// Q6_K: 128 bytes of low nibbles, 64 bytes of high bit pairs, 16 signed bytes of
//       scales, d; x = d * scale * (code - 32)
#include "encoding/block_codecs.h"
#include "encoding/super_block.h"

namespace quant {

namespace {

constexpr size_t groups = 16, width = 16;

// Levels of the weights under the chosen scales, counted from the lowest.
template <class Shape>
std::array<int, super_block> weight_codes(const SuperFrame &f, const ScaledCodes<groups> &c) {
    std::array<int, super_block> q;
    for (size_t i = 0; i < super_block; i++) {
        const float s = c.d * static_cast<float>(c.scale[i / width]);
        q[i] = Shape::Levels::code(Shape::Levels::nearest(s != 0 ? f.x[i] / s : 0));
    }
    return q;
}

struct Q3_K {
    using Shape = ScaledShape<groups, -32, 31, WholeLevels<-4, 3>>;
    static constexpr size_t bytes = 110;
    static constexpr float narrow = 0.45f, wide = 1.15f;
    static constexpr int trials = 24, radius = 4;

    // Low nibbles of the 16 scales in 8 bytes, their high pairs in 4 more.
    static int scale(const std::byte *p, size_t g) {
        const int low = g < 8 ? load_byte(p + g) & 15 : load_byte(p + g - 8) >> 4;
        return (low | ((load_byte(p + 8 + g % 4) >> (2 * (g / 4))) & 3) << 4) - 32;
    }

    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 108);
            for (size_t i = 0; i < super_block; i++) {
                const int low = (load_byte(in + 32 + i / 128 * 32 + i % 32) >> (2 * (i % 128 / 32))) & 3;
                const int high = (load_byte(in + i % 32) >> (i / 32)) & 1;
                out[i] = d * static_cast<float>(scale(in + 96, i / width)) * static_cast<float>((low | high << 2) - 4);
            }
        }
    }

    static void store(const SuperFrame &f, const ScaledCodes<groups> &c, std::byte *out) {
        const auto q = weight_codes<Shape>(f, c);
        std::fill_n(out, bytes, std::byte{0});
        for (size_t i = 0; i < super_block; i++) {
            out[32 + i / 128 * 32 + i % 32] |= static_cast<std::byte>((q[i] & 3) << (2 * (i % 128 / 32)));
            out[i % 32] |= static_cast<std::byte>((q[i] >> 2) << (i / 32));
        }
        for (size_t g = 0; g < groups; g++) {
            const int code = c.scale[g] + 32;
            out[96 + g % 8] |= static_cast<std::byte>((code & 15) << (g / 8 * 4));
            out[104 + g % 4] |= static_cast<std::byte>((code >> 4) << (2 * (g / 4)));
        }
        f.store_half(out + 108, c.d);
    }
};

struct Q6_K {
    using Shape = ScaledShape<groups, -128, 127, WholeLevels<-32, 31>>;
    static constexpr size_t bytes = 210;
    static constexpr float narrow = 0.86f, wide = 1.04f;
    static constexpr int trials = 14, radius = 2;

    // Where in a half of 128 a weight's low nibble and high pair lie.
    static void decode(const std::byte *in, float *out, size_t blocks) {
        for (; blocks-- != 0; in += bytes, out += super_block) {
            const float d = load_f16(in + 208);
            for (size_t i = 0; i < super_block; i++) {
                const size_t half = i / 128, quarter = i % 128 / 32, l = i % 32;
                const int pair = load_byte(in + half * 64 + quarter % 2 * 32 + l);
                const int low = quarter < 2 ? pair & 15 : pair >> 4;
                const int high = (load_byte(in + 128 + half * 32 + l) >> (2 * quarter)) & 3;
                const auto scale = static_cast<int8_t>(in[192 + i / width]);
                out[i] = d * static_cast<float>(scale) * static_cast<float>((low | high << 4) - 32);
            }
        }
    }

    static void store(const SuperFrame &f, const ScaledCodes<groups> &c, std::byte *out) {
        const auto q = weight_codes<Shape>(f, c);
        std::fill_n(out, bytes, std::byte{0});
        for (size_t i = 0; i < super_block; i++) {
            const size_t half = i / 128, quarter = i % 128 / 32, l = i % 32;
            out[half * 64 + quarter % 2 * 32 + l] |= static_cast<std::byte>((q[i] & 15) << (quarter / 2 * 4));
            out[128 + half * 32 + l] |= static_cast<std::byte>((q[i] >> 4) << (2 * quarter));
        }
        for (size_t g = 0; g < groups; g++) out[192 + g] = static_cast<std::byte>(static_cast<int8_t>(c.scale[g]));
        f.store_half(out + 208, c.d);
    }
};

template <class Codec>
void encode(const float *in, const float *importance, std::byte *out, size_t blocks, quant_method method) {
    const auto search = [](const SuperFrame &f, std::byte *to) {
        Codec::store(f,
                     search_scaled<typename Codec::Shape>(f, Codec::narrow, Codec::wide, Codec::trials, Codec::radius),
                     to);
    };
    const auto round = [](const SuperFrame &f, std::byte *to) {
        Codec::store(f, round_scaled<typename Codec::Shape>(f), to);
    };
    encode_blocks<super_block, Codec::bytes>(in, importance, out, blocks, method, search, round, Codec::decode);
}

} // namespace

void decode_q3_k(const std::byte *in, float *out, size_t blocks) { Q3_K::decode(in, out, blocks); }
void decode_q6_k(const std::byte *in, float *out, size_t blocks) { Q6_K::decode(in, out, blocks); }

QUANT_CPU_CLONES void encode_q3_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q3_K>(in, importance, out, blocks, method);
}
QUANT_CPU_CLONES void encode_q6_k(const float *in, const float *importance, std::byte *out, size_t blocks,
                                  quant_method method) {
    encode<Q6_K>(in, importance, out, blocks, method);
}

} // namespace quant
