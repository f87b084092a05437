#include "model/kv_cache.h"

#include "base/checked.h"
#include "base/error.h"

#include <sys/mman.h>

namespace quant {

uint64_t kv_bytes_per_token(const Hyperparameters &h) { // The limits on each keep the product far below overflow.
    return uint64_t{2} * h.layers * h.kv_width() * sizeof(float);
}

KvCache::KvCache(const Hyperparameters &h, uint32_t capacity) : capacity_(capacity), stride_(h.kv_width()) {
    const auto bytes = checked_mul<uint64_t>(kv_bytes_per_token(h), capacity);
    bytes_ = bytes.value_or(0);
    constexpr int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE;
    void *data = bytes ? ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, flags, -1, 0)
                       : MAP_FAILED;
    if (data == MAP_FAILED)
        fail(QUANT_ERR_NO_MEMORY,
             "the KV cache of {} tokens needs {} bytes, which cannot be had; ask for a shorter context", capacity,
             bytes ? std::to_string(*bytes) : "too many");
    data_ = static_cast<float *>(data);
}

KvCache::~KvCache() { ::munmap(data_, bytes_); }

} // namespace quant
