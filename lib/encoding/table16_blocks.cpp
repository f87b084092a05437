// IQ4_NL and IQ4_XS: 4-bit codes into a table of 16 uneven levels.
//
// IQ4_NL: 32 weights: d, 16 bytes of two codes (weights i and i + 16); x = d * level
// IQ4_XS: 256 weights: d, 16 bits of high scale pairs, 4 bytes of low scale nibbles,
//         128 bytes of codes; x = d * (scale - 32) * level, a scale for 32 weights
#include "encoding/block_bytes.h"
#include "encoding/block_codecs.h"
#include "encoding/code_lanes.h"
#include "encoding/cpu_clones.h"
#include "encoding/lane_encode.h"

#include <array>

namespace quant {

using namespace lane;

namespace {

constexpr size_t width = 32, half_width = 16, super_block = 256;

// 32 weights of scale s.
void decode_codes(const std::byte *codes, float s, float *out) {
    const WeightLanes levels = load_lanes(uneven_levels.data());
    for (int half = 0; half < 2; half++)
        store_lanes(out + half * 16, s * __builtin_shuffle(levels, (byte_lanes(codes) >> (4 * half)) & 15));
}

// Codes of 32 weights for scale s.
template <class Floats>
void store_codes(const float *x, float s, std::byte *out) {
    std::array<uint8_t, width> q;
    level_codes<Floats, UnevenLevels>(x, width, s, q.data());
    for (size_t i = 0; i < half_width; i++) out[i] = static_cast<std::byte>(q[i] | q[i + half_width] << 4);
}

struct IQ4_NL : ScaledBlock<UnevenLevels> {
    static constexpr size_t bytes = 18;
    static constexpr ScaleEffort fast{0.6f, 1.15f, 8, 2, 2, Signs::better}, deep{0.6f, 1.15f, 20, 2, 6, Signs::both};

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        store_f16(out, p.d[0]);
        store_codes<Floats>(x, p.d[0], out + 2);
    }
};

struct IQ4_XS : ScaledSuperBlock<8, UnevenLevels, -32, 31> {
    static constexpr size_t bytes = 136;
    static constexpr ScaleEffort fast{0.6f, 1.15f, 8, 1, 2, Signs::better, 1, 2, 1},
        deep{0.6f, 1.15f, 20, 2, 6, Signs::both, 3, 4, 1};

    template <class Floats>
    static void store(const float *x, const BlockScales &p, std::byte *out) {
        std::fill_n(out + 4, 4, std::byte{0});
        unsigned high = 0;
        for (size_t g = 0; g < groups; g++) {
            const int code = static_cast<int>(p.scale[g]) + 32;
            out[4 + g / 2] |= static_cast<std::byte>((code & 15) << (g % 2 * 4));
            high |= static_cast<unsigned>(code >> 4) << (2 * g);
            store_codes<Floats>(x + g * width, p.d[0] * p.scale[g], out + 8 + g * half_width);
        }
        store_f16(out, p.d[0]);
        store_u16(out + 2, static_cast<uint16_t>(high));
    }
};

} // namespace

QUANT_CPU_CLONES void decode_iq4_nl(const std::byte *in, float *out, size_t blocks) {
    for (; blocks-- != 0; in += IQ4_NL::bytes, out += width) decode_codes(in + 2, load_f16(in), out);
}

void encode_iq4_nl(const float *in, const float *importance, std::byte *out, size_t blocks,
                   quant_method method) {
    encode_lanes<IQ4_NL>(in, importance, out, blocks, method);
}

QUANT_CPU_CLONES void decode_iq4_xs(const std::byte *in, float *out, size_t blocks) {
    for (; blocks-- != 0; in += IQ4_XS::bytes, out += super_block) {
        const float d = load_f16(in);
        const unsigned high = load_u16(in + 2);
        for (size_t g = 0; g < IQ4_XS::groups; g++) {
            const int low = (load_byte(in + 4 + g / 2) >> (g % 2 * 4)) & 15;
            const int scale = (low | static_cast<int>(((high >> (2 * g)) & 3) << 4)) - 32;
            decode_codes(in + 8 + g * half_width, d * static_cast<float>(scale), out + g * width);
        }
    }
}

void encode_iq4_xs(const float *in, const float *importance, std::byte *out, size_t blocks,
                   quant_method method) {
    encode_lanes<IQ4_XS>(in, importance, out, blocks, method);
}

} // namespace quant
