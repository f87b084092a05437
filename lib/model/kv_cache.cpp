#include "model/kv_cache.h"

#include "base/checked.h"
#include "base/error.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstring>

namespace quant {

namespace {

constexpr std::array cache_encodings = {QUANT_F32, QUANT_F16, QUANT_BF16, QUANT_Q8_0, QUANT_Q4_0};

/// More than the address space of a process.
constexpr uint64_t most_bytes = uint64_t{1} << 46;

const EncodingTraits &cache_encoding(uint32_t dim, quant_encoding id, const char *what) {
    const EncodingTraits *e = find_encoding(static_cast<uint32_t>(id));
    if (!e || std::find(cache_encodings.begin(), cache_encodings.end(), id) == cache_encodings.end())
        fail(QUANT_ERR_ARGUMENT, "{} of the KV cache cannot be stored as {}: expected F32, F16, BF16, Q8_0 or Q4_0",
             what, e ? e->name : "that");
    if (dim % e->block_weights != 0)
        fail(QUANT_ERR_ARGUMENT, "{} of the KV cache cannot be stored as {}: heads of {} are no whole blocks of {}",
             what, e->name, dim, e->block_weights);
    return *e;
}

/// Layers that are kept apart, of one kind. Of an encoder, or of a model of which only some layers are looked at, one.
uint32_t kept_layers(const Hyperparameters &h, bool convolving) {
    const auto convolve = static_cast<uint32_t>(
        h.conv_taps == 0 ? 0 : std::count_if(h.attention.begin(), h.attention.end(), [](const LayerAttention &l) { return l.convolves; }));
    const bool all = h.style.causal && (convolve == 0 || h.layers == h.attention.size());
    if (!all) return convolving ? std::min(convolve, 1u) : 1;
    return convolving ? convolve : h.layers - convolve;
}

std::vector<uint32_t> places_of_layers(const Hyperparameters &h) {
    std::vector<uint32_t> out;
    uint32_t next[2] = {0, 0};
    if (!h.style.causal || (h.conv_taps != 0 && h.layers != h.attention.size())) return out;
    for (uint32_t layer = 0; layer < h.layers; layer++) out.push_back(next[h.convolves(layer)]++);
    return out;
}

const EncodingTraits &input_encoding(const KvLayout &layout) {
    return encoding_traits(layout.keys->id == QUANT_F32 ? QUANT_F32 : QUANT_F16);
}

size_t row_bytes(uint32_t dim, const EncodingTraits &e) {
    return size_t{dim} / e.block_weights * e.block_bytes;
}

/// Elements of a position's key to where those of its neighbours lie beside them.
template <class Element>
void spread(const KvLayout &layout, std::byte *head, size_t within, size_t dim, const std::byte *elements,
            size_t count) {
    for (size_t i = 0; i < count; i++)
        std::memcpy(head + layout.key_at(within, dim + i), elements + i * sizeof(Element), sizeof(Element));
}

} // namespace

KvLayout kv_layout(const Hyperparameters &h, KvTypes types) {
    const EncodingTraits &keys = cache_encoding(h.head_dim, types.keys, "keys"),
                         &values = cache_encoding(h.value_dim(), types.values, "values");
    return {&keys, &values, row_bytes(h.head_dim, keys), row_bytes(h.value_dim(), values)};
}

uint64_t kv_bytes_per_token(const Hyperparameters &h,
                            KvTypes types) { // Limits on each keep the product far below overflow.
    const KvLayout layout = kv_layout(h, types);
    return uint64_t{kept_layers(h, false)} * h.kv_heads * (layout.key_bytes + layout.value_bytes) +
           uint64_t{kept_layers(h, true)} * h.embedding * input_encoding(layout).block_bytes;
}

KvCache::KvCache(const Hyperparameters &h, uint32_t capacity, KvTypes types)
    : capacity_(capacity),
      layout_(kv_layout(h, types)),
      layers_(kept_layers(h, false)),
      kv_heads_(h.kv_heads),
      key_dim_(h.head_dim),
      value_dim_(h.value_dim()),
      conv_layers_(kept_layers(h, true)),
      conv_width_(h.embedding),
      inputs_(&input_encoding(layout_)),
      places_(places_of_layers(h)) {
    const auto bytes = checked_mul<uint64_t>(kv_bytes_per_token(h, types), capacity);
    if (!bytes || *bytes > most_bytes)
        fail(QUANT_ERR_NO_MEMORY,
             "the KV cache of {} tokens needs {} bytes, which cannot be had; ask for a shorter context", capacity,
             bytes ? std::to_string(*bytes) : "too many");
}

void KvCache::own_page(size_t index, bool keep) {
    std::shared_ptr<HugeBuffer> &page = pages_[index];
    if (page && page.use_count() == 1) {
        // Who let go of it last had read it before.
        std::atomic_thread_fence(std::memory_order_acquire);
        return;
    }
    const size_t bytes = page_bytes();
    // A page that would leave much of its huge pages empty is better off without.
    constexpr size_t huge = size_t{2} << 20;
    const bool fills = bytes * 4 >= (bytes + huge - 1) / huge * huge * 3;
    auto fresh = std::make_shared<HugeBuffer>(bytes, fills ? PageSize::huge : PageSize::small);
    if (page && keep) std::memcpy(fresh->bytes().data(), page->bytes().data(), fresh->bytes().size());
    page = std::move(fresh);
    bases_[index] = page->bytes().data();
}

void KvCache::reserve(uint32_t position, size_t tokens) {
    if (tokens == 0) return;
    const size_t first = position / KvLayout::positions, last = (position + tokens - 1) / KvLayout::positions;
    if (pages_.size() <= last) pages_.resize(last + 1), bases_.resize(last + 1);
    for (size_t p = first; p <= last; p++) own_page(p, p == first && position % KvLayout::positions != 0);
}

void KvCache::store(uint32_t layer, uint32_t position, size_t tokens, const float *keys, const float *values) noexcept {
    const auto put = [](const EncodingTraits &e, const float *row, size_t dims, std::byte *to) {
        e.encode(row, nullptr, to, dims / e.block_weights, QUANT_METHOD_ROUND);
    };
    constexpr size_t some = 128; // Dimensions encoded at a time.
    std::array<std::byte, some * sizeof(float)> encoded;
    const auto put_key = [&](const float *row, std::byte *head, size_t within) {
        if (!layout_.keys_lie_side_by_side()) return put(*layout_.keys, row, key_dim_, head + within * layout_.key_bytes);
        for (size_t d = 0; d < key_dim_; d += some) {
            const size_t count = std::min(some, key_dim_ - d);
            layout_.keys->encode(row + d, nullptr, encoded.data(), count, QUANT_METHOD_ROUND);
            const auto to = layout_.keys->block_bytes == sizeof(float) ? spread<float> : spread<uint16_t>;
            to(layout_, head, within, d, encoded.data(), count);
        }
    };
    for (size_t t = 0; t < tokens; t++) {
        const size_t at = position + t, within = at % KvLayout::positions;
        std::byte *page = bases_[at / KvLayout::positions];
        for (size_t head = 0; head < kv_heads_; head++) {
            const size_t row = t * kv_heads_ + head, rows = head * KvLayout::positions;
            put_key(keys + row * key_dim_, page + keys_at(layer) + rows * layout_.key_bytes, within);
            put(*layout_.values, values + row * value_dim_, value_dim_,
                page + values_at(layer) + (rows + within) * layout_.value_bytes);
        }
    }
}

std::byte *KvCache::inputs_at(uint32_t layer, uint32_t position) const {
    const size_t row = place_of(layer) * KvLayout::positions + position % KvLayout::positions;
    return bases_[position / KvLayout::positions] + layers_ * layer_bytes() + row * input_bytes();
}

void KvCache::store_inputs(uint32_t layer, uint32_t position, const float *x) noexcept {
    inputs_->encode(x, nullptr, inputs_at(layer, position), conv_width_, QUANT_METHOD_ROUND);
}

void KvCache::load_inputs(uint32_t layer, uint32_t position, float *x) const noexcept {
    inputs_->decode(inputs_at(layer, position), x, conv_width_);
}

void KvCache::share(const KvCache &other, uint32_t length) {
    const size_t count = (size_t{length} + KvLayout::positions - 1) / KvLayout::positions;
    pages_.assign(other.pages_.begin(), other.pages_.begin() + static_cast<ptrdiff_t>(count));
    bases_.assign(other.bases_.begin(), other.bases_.begin() + static_cast<ptrdiff_t>(count));
}

} // namespace quant
