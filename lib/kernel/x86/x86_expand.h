// Encoded rows as bytes with scales, from the decoders of x86_blocks.h.
#pragma once

#include "kernel/x86/x86_grid_blocks.h"
#include "kernel/x86/x86_low_bit_blocks.h"

namespace quant::kernel::x86 {
namespace {

/// Signed codes of `Group` columns to a scale become unsigned: 128 is added.
template <size_t Group>
struct ExpandSink {
    uint8_t *codes;
    float *scales, *offsets;

    QUANT_INLINE void put_codes(__m128i a, __m128i b) {
        const __m128i flip = bytes_of(static_cast<char>(0x80));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(codes), _mm_xor_si128(a, flip));
        _mm_storeu_si128(reinterpret_cast<__m128i *>(codes + 16), _mm_xor_si128(b, flip));
        codes += 32;
    }
    QUANT_INLINE void put_scale(float scale, float offset) { *scales++ = scale, *offsets++ = offset; }

    QUANT_INLINE void put(__m128i a, __m128i b, float scale, float offset = 0) {
        static_assert(Group == 32);
        put_codes(a, b);
        put_scale(scale, offset);
    }
    QUANT_INLINE void put_pair(__m128i a, __m128i b, float scale_a, float scale_b, float offset_a = 0,
                               float offset_b = 0) {
        static_assert(Group == 16);
        put_codes(a, b);
        put_scale(scale_a, offset_a);
        put_scale(scale_b, offset_b);
    }
    QUANT_INLINE void put_part(__m128i a, __m128i b, float scale, bool first) {
        put_codes(a, b);
        if (Group == 32 || first) put_scale(scale, 0);
    }
};

template <class Block, size_t Group>
void expand_blocks(const std::byte *in, size_t blocks, uint8_t *codes, float *scales, float *offsets) {
    ExpandSink<Group> sink{codes, scales, offsets};
    for (size_t i = 0; i < blocks; ++i) Block::decode(in + i * Block::bytes, sink);
}

} // namespace
} // namespace quant::kernel::x86
