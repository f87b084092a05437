// Keys and values of one sequence, in pages that sequences with a common beginning share.
#pragma once

#include "kernel/ops.h"
#include "machine/huge_buffer.h"
#include "model/hyperparameters.h"

#include <cstddef>
#include <memory>
#include <vector>

namespace quant {

/// What keys and values are stored as: F32, F16, BF16, Q8_0 or Q4_0. Keys of the last two are
/// rotated before they are rounded (KvCache::rotates_keys).
struct KvTypes {
    quant_encoding keys = QUANT_F32, values = QUANT_F32;
    bool operator==(const KvTypes &) const = default;
};

/// What sessions that generate use unless told otherwise.
inline constexpr KvTypes generating_kv_types{QUANT_F16, QUANT_F16};

/// Throws Error (QUANT_ERR_ARGUMENT): another encoding, or heads that are no whole blocks of it.
KvLayout kv_layout(const Hyperparameters &h, KvTypes types);

/// Bytes of one position in all layers.
uint64_t kv_bytes_per_token(const Hyperparameters &h, KvTypes types);

/// Layers that convolve keep what goes into their kernels for every position, as others keep keys: what a sequence goes back
/// to, shares or forks from is then there.
/// Of an encoder, one layer's keys and values are kept at a time, since no token comes later that would read them.
/// One thread at a time; caches that share pages may be used by different threads, since a
/// page is only written by who alone holds it.
class KvCache {
public:
    /// Pages come as positions are reserved. Throws Error: as kv_layout(); QUANT_ERR_NO_MEMORY, naming the
    /// bytes, where they are more than any machine has.
    KvCache(const Hyperparameters &h, uint32_t capacity, KvTypes types = {});

    uint32_t capacity() const { return capacity_; }
    const KvLayout &layout() const { return layout_; }
    /// Queries must be turned by hadamard() as well then; products of the two stay what they were.
    bool rotates_keys() const { return !layout_.keys->is_float(); }
    /// What hadamard() turns at a time: the largest power of two that divides a head.
    size_t rotation() const { return key_dim_ & (~key_dim_ + 1); }

    /// Makes pages for positions [position, position + tokens), of its own. Throws Error (QUANT_ERR_NO_MEMORY).
    void reserve(uint32_t position, size_t tokens);
    /// Writes what was reserved: tokens x kv_width keys, rotated already, and tokens x value_width values. Throws nothing.
    void store(uint32_t layer, uint32_t position, size_t tokens, const float *keys, const float *values) noexcept;

    /// What goes into the kernel of a layer that convolves, `layer` as the model counts it: embedding floats. Throw nothing.
    void store_inputs(uint32_t layer, uint32_t position, const float *x) noexcept;
    void load_inputs(uint32_t layer, uint32_t position, float *x) const noexcept;

    /// Where a layer of the model is kept: the layer that other functions here are told.
    uint32_t place_of(uint32_t layer) const { return layer < places_.size() ? places_[layer] : 0; }
    /// As AttentionSequence::pages.
    const std::byte *const *pages() const { return bases_.data(); }
    size_t keys_at(uint32_t layer) const { return layer * layer_bytes(); }
    size_t values_at(uint32_t layer) const { return keys_at(layer) + kv_heads_ * KvLayout::positions * layout_.key_bytes; }

    /// Holds the first `length` positions of `other`, of the same model and types, in its pages.
    void share(const KvCache &other, uint32_t length);

private:
    size_t layer_bytes() const { return kv_heads_ * KvLayout::positions * (layout_.key_bytes + layout_.value_bytes); }
    size_t page_bytes() const { return layers_ * layer_bytes() + conv_layers_ * KvLayout::positions * input_bytes(); }
    size_t input_bytes() const { return conv_layers_ == 0 ? 0 : conv_width_ * inputs_->block_bytes; }
    std::byte *inputs_at(uint32_t layer, uint32_t position) const;
    void own_page(size_t index, bool keep);

    uint32_t capacity_;
    KvLayout layout_;
    size_t layers_, kv_heads_, key_dim_, value_dim_;
    size_t conv_layers_, conv_width_;
    const EncodingTraits *inputs_; ///< F32 where keys are, else F16: no sum over tokens hides its rounding.
    std::vector<uint32_t> places_; ///< Of each layer, among those that attend or those that convolve; empty: all at the first.
    std::vector<std::shared_ptr<HugeBuffer>> pages_;
    std::vector<std::byte *> bases_; ///< Of pages_.
};

} // namespace quant
