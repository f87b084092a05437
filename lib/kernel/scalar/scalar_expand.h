// Rows as bytes with scales, of the encodings whose decoders no two instruction sets share: a code
// is the decoded weight by its scale, which is exact.
#pragma once

#include "encoding/encoding.h"
#include "encoding/grid_bytes.h"
#include "kernel/scalar/scalar_bytes.h"

#include <cmath>

namespace quant::kernel::scalar {
namespace {

inline unsigned byte_at(const std::byte *p) { return std::to_integer<unsigned>(*p); }

/// Half of a float of 4 bits of exponent and 3 of fraction: a half with other limits.
inline float float8_scale(unsigned code) {
    return code == 127 ? 0 : 128 * f32_from_f16(static_cast<uint16_t>((code & 127) << 7));
}

/// d of a block of IQ1_M: nibbles on top of the words of its scales.
inline float d_of_iq1_m(const std::byte *in) {
    unsigned bits = 0;
    for (size_t i = 0; i < 4; ++i) bits |= simd::read_u16(in + 48 + 2 * i) >> 12 << (4 * i);
    return f32_from_f16(static_cast<uint16_t>(bits));
}

/// The scale of group `g` of a block's columns.
template <quant_encoding Encoding>
float group_scale(const std::byte *in, size_t g) {
    const float d = load_f16(in);
    const auto nibble = [&](size_t at) { return static_cast<float>(byte_at(in + at + g / 2) >> (g % 2 * 4) & 15); };
    const auto top_bits = [&](size_t at) { return static_cast<float>(simd::read_u32(in + at) >> 28); };
    if constexpr (Encoding == QUANT_IQ2_XXS) return d * 0.25f * (0.5f + top_bits(6 + 8 * g));
    if constexpr (Encoding == QUANT_IQ2_XS) return d * 0.25f * (0.5f + nibble(66));
    if constexpr (Encoding == QUANT_IQ2_S) return d * 0.25f * (0.5f + nibble(74));
    if constexpr (Encoding == QUANT_IQ3_XXS) return d * 0.5f * (0.5f + top_bits(66 + 4 * g));
    if constexpr (Encoding == QUANT_IQ3_S) return d * (1 + 2 * nibble(106));
    if constexpr (Encoding == QUANT_IQ1_S)
        return d / grid1_unit * static_cast<float>(1 + 2 * (simd::read_u16(in + 34 + 2 * g) >> 12 & 7));
    if constexpr (Encoding == QUANT_IQ1_M)
        return d_of_iq1_m(in) / grid1_unit * static_cast<float>(1 + 2 * (simd::read_u16(in + 48 + g / 4 * 2) >> (g % 4 * 3) & 7));
    if constexpr (Encoding == QUANT_TQ1_0) return load_f16(in + 52);
    if constexpr (Encoding == QUANT_TQ2_0) return load_f16(in + 64);
    if constexpr (Encoding == QUANT_MXFP4) return std::ldexp(1.0f, static_cast<int>(byte_at(in)) - 128);
    if constexpr (Encoding == QUANT_NVFP4) return float8_scale(byte_at(in + g));
    return d;
}

template <quant_encoding Encoding, size_t Group>
void expand_decoded(const std::byte *in, size_t blocks, uint8_t *codes, float *scales, float *offsets) {
    const EncodingTraits &e = encoding_traits(Encoding);
    float weights[256];
    for (size_t b = 0; b < blocks; ++b, in += e.block_bytes) {
        e.decode(in, weights, 1);
        for (size_t at = 0; at < e.block_weights; at += Group, ++scales, ++offsets) {
            *scales = group_scale<Encoding>(in, at / Group), *offsets = 0;
            for (size_t i = at; i < at + Group; ++i, ++codes) {
                const float code = *scales != 0 ? weights[i] / *scales : 0;
                *codes = static_cast<uint8_t>(std::isfinite(code) ? static_cast<int>(code) : 0);
            }
        }
    }
}

} // namespace
} // namespace quant::kernel::scalar
