// Sequences that have ended, kept for those that begin alike: their keys and values are shared, not made again.
#pragma once

#include "engine/session.h"

#include <list>
#include <memory>
#include <span>

namespace quant {

/// Length of what two sequences begin with in common.
size_t common_prefix(std::span<const int32_t> a, std::span<const int32_t> b);

/// One thread at a time.
class PrefixCache {
public:
    /// Keeps sequences of up to so many tokens together, those last used; 0: none.
    explicit PrefixCache(uint64_t most_tokens) : most_tokens_(most_tokens) {}

    void keep(std::unique_ptr<Session> ended);
    /// The kept sequence of these adapters with the longest beginning in common with `tokens`, or nullptr; borrowed until
    /// keep().
    const Session *find(std::span<const int32_t> tokens, const AdapterSet &adapters = {});
    uint64_t tokens() const { return tokens_; }

private:
    std::list<std::unique_ptr<Session>> kept_; ///< Last used first.
    uint64_t most_tokens_, tokens_ = 0;
};

} // namespace quant
