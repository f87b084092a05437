// Encoded rows as bytes with scales, from the decoders of simd_blocks.h.
#pragma once

#include "kernel/simd/simd_groups.h"

namespace quant::kernel::simd {
namespace {

/// Codes of `Group` columns to a scale, as the tier's products of bytes want them: with `Added`.
template <class S, size_t Group, int Added>
struct ExpandSink {
    using Bytes = typename S::Bytes;

    uint8_t *codes;
    float *scales, *offsets;

    QUANT_INLINE void put_codes(Bytes a, Bytes b) {
        (a + Bytes::all(Added)).store(codes);
        (b + Bytes::all(Added)).store(codes + 16);
        codes += 32;
    }
    QUANT_INLINE void put_scale(float scale, float offset) { *scales++ = scale, *offsets++ = offset; }

    QUANT_INLINE void put(Bytes a, Bytes b, float scale, float offset = 0) {
        static_assert(Group == 32);
        put_codes(a, b);
        put_scale(scale, offset);
    }
    QUANT_INLINE void put_pair(Bytes a, Bytes b, float scale_a, float scale_b, float offset_a = 0,
                               float offset_b = 0) {
        static_assert(Group == 16);
        put_codes(a, b);
        put_scale(scale_a, offset_a);
        put_scale(scale_b, offset_b);
    }
    QUANT_INLINE void put_part(Bytes a, Bytes b, float scale, bool first) {
        put_codes(a, b);
        if (Group == 32 || first) put_scale(scale, 0);
    }
};

template <class S, class Block, size_t Group, int Added = S::Bytes::product_bias>
void expand_blocks(const std::byte *in, size_t blocks, uint8_t *codes, float *scales, float *offsets) {
    ExpandSink<S, Group, Added> sink{codes, scales, offsets};
    for (size_t i = 0; i < blocks; ++i) Block::decode(in + i * Block::bytes, sink);
}

} // namespace
} // namespace quant::kernel::simd
