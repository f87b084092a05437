// Ranked merges, by the ids of the two symbols: an open-addressing table, since it is
// asked for every pair of every new word.
#pragma once

#include "text/symbol_merge.h"

#include <bit>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

class MergeTable {
public:
    /// `merges` are "left right" by rank; `symbol` gives a text's id, the same for the
    /// same text, >= 0. Throws Error (QUANT_ERR_TOKENIZER) for a line without two parts.
    MergeTable(const std::vector<std::string> &merges, const std::function<int32_t(const std::string &)> &symbol,
               const std::string &name);

    /// Nothing for ids < 0, which stand for no symbol.
    std::optional<PairValue> find(int32_t left, int32_t right) const {
        if (left < 0 || right < 0) return std::nullopt;
        const uint64_t key = key_of(left, right);
        for (size_t slot = slot_of(key);; slot = (slot + 1) & (entries_.size() - 1)) {
            const Entry &entry = entries_[slot];
            if (entry.key == key) return entry.value;
            if (entry.key == empty) return std::nullopt;
        }
    }

private:
    static constexpr uint64_t empty = UINT64_MAX;
    struct Entry {
        uint64_t key = empty;
        PairValue value{};
    };
    static uint64_t key_of(int32_t left, int32_t right) {
        return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
    }
    size_t slot_of(uint64_t key) const {
        key *= 0x9E3779B97F4A7C15U;
        return (key ^ key >> 32) & (entries_.size() - 1);
    }
    std::vector<Entry> entries_;
};

} // namespace quant
