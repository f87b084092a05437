// IQ4_NL and IQ4_XS: 4-bit codes into a table of 16 uneven levels.
//
// IQ4_NL: 32 weights: d, 16 bytes of two codes (weights i and i + 16); x = d * level
// IQ4_XS: 256 weights: d, 16 bits of high scale pairs, 4 bytes of low scale nibbles,
//         128 bytes of codes; x = d * (scale - 32) * level, a scale for 32 weights
#include "encoding/block_codecs.h"
#include "encoding/super_block.h"

namespace quant {

namespace {

constexpr size_t width = 32, half_width = 16;
constexpr float narrow = 0.6f, wide = 1.15f;
constexpr int trials = 20;

float level_of(const std::byte *codes, size_t i) {
    const int pair = load_byte(codes + i % half_width);
    return UnevenLevels::levels[static_cast<size_t>(i < half_width ? pair & 15 : pair >> 4)];
}

// Codes of 32 weights for scale s.
void store_codes(const float *x, float s, std::byte *out) {
    for (size_t i = 0; i < half_width; i++) {
        const auto code = [&](float v) { return UnevenLevels::code(UnevenLevels::nearest(s != 0 ? v / s : 0)); };
        out[i] = static_cast<std::byte>(code(x[i]) | (code(x[i + half_width]) << 4));
    }
}

struct IQ4_NL {
    static constexpr size_t bytes = 18;
    using Frame = BlockFrame<width>;

    static void store(const Frame &f, float d, std::byte *out) {
        f.store_half(out, d);
        store_codes(f.x.data(), d, out + 2);
    }
    static void round(const Frame &f, std::byte *out) {
        store(f, f.half(extreme<width>(f.x.data()) / UnevenLevels::low), out);
    }
    static void search(const Frame &f, std::byte *out) {
        const auto fits = fit_scale<width, UnevenLevels>(f.x.data(), f.w.data(), narrow, wide, trials);
        store(f, best_half<width, UnevenLevels>(f, fits), out);
    }
};

struct IQ4_XS {
    static constexpr size_t bytes = 136, groups = 8;
    using Shape = ScaledShape<groups, -32, 31, UnevenLevels>;

    static void store(const SuperFrame &f, const ScaledCodes<groups> &c, std::byte *out) {
        std::fill_n(out, bytes, std::byte{0});
        unsigned high = 0;
        for (size_t g = 0; g < groups; g++) {
            const int code = c.scale[g] + 32;
            out[4 + g / 2] |= static_cast<std::byte>((code & 15) << (g % 2 * 4));
            high |= static_cast<unsigned>(code >> 4) << (2 * g);
            store_codes(f.x.data() + g * width, c.d * static_cast<float>(c.scale[g]), out + 8 + g * half_width);
        }
        f.store_half(out, c.d);
        store_u16(out + 2, static_cast<uint16_t>(high));
    }
    static void round(const SuperFrame &f, std::byte *out) {
        store(f, round_scaled<Shape>(f), out);
    }
    static void search(const SuperFrame &f, std::byte *out) {
        store(f, search_scaled<Shape>(f, narrow, wide, trials, 1), out);
    }
};

} // namespace

void decode_iq4_nl(const std::byte *in, float *out, size_t blocks) {
    for (; blocks-- != 0; in += IQ4_NL::bytes, out += width) {
        const float d = load_f16(in);
        for (size_t i = 0; i < width; i++) out[i] = d * level_of(in + 2, i);
    }
}

QUANT_CPU_CLONES void encode_iq4_nl(const float *in, const float *importance, std::byte *out, size_t blocks,
                                    quant_method method) {
    encode_blocks<width, IQ4_NL::bytes>(in, importance, out, blocks, method, IQ4_NL::search, IQ4_NL::round,
                                        decode_iq4_nl);
}

void decode_iq4_xs(const std::byte *in, float *out, size_t blocks) {
    for (; blocks-- != 0; in += IQ4_XS::bytes, out += super_block) {
        const float d = load_f16(in);
        const unsigned high = load_u16(in + 2);
        for (size_t g = 0; g < IQ4_XS::groups; g++) {
            const int low = (load_byte(in + 4 + g / 2) >> (g % 2 * 4)) & 15;
            const int scale = (low | static_cast<int>(((high >> (2 * g)) & 3) << 4)) - 32;
            const float s = d * static_cast<float>(scale);
            for (size_t i = 0; i < width; i++) out[g * width + i] = s * level_of(in + 8 + g * half_width, i);
        }
    }
}

QUANT_CPU_CLONES void encode_iq4_xs(const float *in, const float *importance, std::byte *out, size_t blocks,
                                    quant_method method) {
    encode_blocks<super_block, IQ4_XS::bytes>(in, importance, out, blocks, method, IQ4_XS::search, IQ4_XS::round,
                                              decode_iq4_xs);
}

} // namespace quant
