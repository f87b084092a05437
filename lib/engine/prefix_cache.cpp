#include "engine/prefix_cache.h"

#include <algorithm>

namespace quant {

size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b) {
    const size_t n = std::min(a.size(), b.size());
    return static_cast<size_t>(std::mismatch(a.begin(), a.begin() + static_cast<ptrdiff_t>(n), b.begin()).first -
                               a.begin());
}

void PrefixCache::keep(std::unique_ptr<Session> ended) {
    if (ended->length() == 0 || ended->length() > most_tokens_) return;
    // What the new one begins with is of no more use; pages that both held stay.
    std::erase_if(kept_, [&](const std::unique_ptr<Session> &s) {
        const bool within =
            s->adapters() == ended->adapters() && common_prefix(s->tokens(), ended->tokens()) == s->length();
        if (within) tokens_ -= s->length();
        return within;
    });
    kept_.push_front(std::move(ended));
    tokens_ += kept_.front()->length();
    while (tokens_ > most_tokens_) {
        tokens_ -= kept_.back()->length();
        kept_.pop_back();
    }
}

const Session *PrefixCache::find(std::span<const int32_t> tokens, const AdapterSet &adapters) {
    size_t longest = 0;
    auto best = kept_.end();
    for (auto s = kept_.begin(); s != kept_.end(); ++s) {
        if ((*s)->adapters() != adapters) continue; // The same text, but other keys and values.
        if (const size_t n = common_prefix((*s)->tokens(), tokens); n > longest) longest = n, best = s;
    }
    if (best == kept_.end()) return nullptr;
    kept_.splice(kept_.begin(), kept_, best);
    return kept_.front().get();
}

} // namespace quant
