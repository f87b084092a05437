// Small whole numbers in 32-bit words, and floats of any kind, as checkpoints store them. Private to this room.
#pragma once

#include "container/checkpoint_parts.h"
#include "encoding/float16.h"

#include <cstring>

namespace quant {

/// Word `place` of bytes that have it.
inline uint32_t load_word(std::span<const std::byte> bytes, uint64_t place) {
    uint32_t word;
    std::memcpy(&word, bytes.data() + place * sizeof word, sizeof word);
    return word;
}

/// `count` numbers of `bits` bits, a dense stream, least significant bits first. One word more than these take is read.
inline void unpack_dense(const uint32_t *words, int bits, uint64_t count, uint8_t *out) {
    const uint32_t mask = (1u << bits) - 1;
    for (uint64_t i = 0, at = 0; i < count; i++, at += static_cast<uint64_t>(bits)) {
        const uint64_t two = words[at / 32] | uint64_t{words[at / 32 + 1]} << 32;
        out[i] = static_cast<uint8_t>(two >> (at % 32) & mask);
    }
}

/// Number `place` of such a stream of `words` words from word `first` on.
inline uint32_t dense_at(std::span<const std::byte> bytes, uint64_t first, uint64_t words, int bits, uint64_t place) {
    const uint64_t at = place * static_cast<uint64_t>(bits), word = at / 32;
    const uint64_t high = word + 1 < words ? load_word(bytes, first + word + 1) : 0;
    const uint64_t two = load_word(bytes, first + word) | high << 32;
    return static_cast<uint32_t>(two >> (at % 32)) & ((1u << bits) - 1);
}

/// A piece of F32, F16 or BF16.
class FloatPiece {
public:
    FloatPiece() = default;
    FloatPiece(const CheckpointBuilder &builder, const TensorInfo &piece)
        : bytes_(builder.data(piece)), encoding_(piece.encoding) {}
    float at(uint64_t place) const {
        float v;
        encoding_->decode(bytes_.data() + place * encoding_->block_bytes, &v, 1);
        return v;
    }

private:
    std::span<const std::byte> bytes_;
    const EncodingTraits *encoding_ = nullptr;
};

} // namespace quant
