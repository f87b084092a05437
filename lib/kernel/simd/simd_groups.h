// The decoder, as simd_blocks.h has them, of encodings of groups with two numbers (encoding/group_blocks.h).
#pragma once

#include "kernel/simd/simd_blocks.h"

#include <cstring>

namespace quant::kernel::simd {
namespace {

/// What codes of 8 bits are too large by to be signed bytes.
template <int Bits> constexpr int group_centre = Bits == 8 ? 128 : 0;

template <int Bits, size_t Group, bool Bias> struct Grouped {
    static constexpr size_t weights = Group, bytes = 4 + Group * Bits / 8;

    template <class Sink> static QUANT_INLINE void decode(const std::byte *in, Sink &sink) {
        using B = typename Sink::Bytes;
        constexpr int centre = group_centre<Bits>;
        const float d = B::f16_at(in), second = B::f16_at(in + 2);
        const float offset = !Bias ? d * (centre - second) : centre == 0 ? second : second + centre * d;
        for (size_t at = 0; at < Group; at += 32) {
            uint8_t codes[32];
            for (size_t i = 0; i < 32; i += 8) {
                uint64_t stream = 0;
                std::memcpy(&stream, in + 4 + (at + i) / 8 * Bits, Bits);
                for (size_t k = 0; k < 8; ++k)
                    codes[i + k] = static_cast<uint8_t>((stream >> (k * Bits) & ((1u << Bits) - 1)) - centre);
            }
            const auto *first = reinterpret_cast<const std::byte *>(codes);
            sink.put(B::load(first), B::load(first + 16), d, offset);
        }
    }
};

} // namespace
} // namespace quant::kernel::simd
