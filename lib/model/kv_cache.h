// Keys and values of one sequence, float32, layer after layer.
#pragma once

#include "model/hyperparameters.h"

#include <cstddef>
#include <memory>

namespace quant {

/// Bytes of one position in all layers.
uint64_t kv_bytes_per_token(const Hyperparameters &h);

class KvCache {
public:
    /// Reserves address space only: pages come as positions are written. Throws Error
    /// (QUANT_ERR_NO_MEMORY) naming the bytes.
    KvCache(const Hyperparameters &h, uint32_t capacity);
    ~KvCache();
    KvCache(const KvCache &) = delete;
    KvCache &operator=(const KvCache &) = delete;

    uint32_t capacity() const { return capacity_; }
    size_t stride() const { return stride_; } ///< Floats from a position to the next.
    /// Position 0 of a layer; capacity() positions of kv_heads x head_dim.
    float *keys(uint32_t layer) const { return data_ + 2 * size_t{layer} * capacity_ * stride_; }
    float *values(uint32_t layer) const { return keys(layer) + size_t{capacity_} * stride_; }

private:
    uint32_t capacity_;
    size_t stride_, bytes_;
    float *data_;
};

} // namespace quant
