// Pieces of text that this call has tokenized already: most words of a text come
// again. An entry points at the piece in the text and at its ids in the call's own
// output, so it holds neither; a newer piece takes the place of an older one.
#pragma once

#include <algorithm>
#include <bit>
#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace quant {

class PieceCache {
public:
    explicit PieceCache(size_t text_bytes) : entries_(text_bytes < 256 ? 0 : slots_for(text_bytes)) {}

    /// Append the ids of `piece` to `ids`: from an earlier time, or by `tokenize()`,
    /// which must append to the same `ids`. `piece` must outlive the cache.
    template <class Tokenize>
    void append(std::string_view piece, std::vector<int32_t> &ids, const Tokenize &tokenize) {
        if (entries_.empty() || piece.size() > max_piece_bytes) return tokenize();
        Entry &entry = entries_[std::hash<std::string_view>()(piece) & (entries_.size() - 1)];
        if (entry.piece == piece && entry.piece.data() != nullptr) {
            for (uint32_t i = 0; i < entry.count; ++i) ids.push_back(ids[entry.begin + i]);
            return;
        }
        const size_t begin = ids.size();
        tokenize();
        entry = {piece, begin, static_cast<uint32_t>(ids.size() - begin)};
    }

private:
    static constexpr size_t max_piece_bytes = 128, max_entries = size_t{1} << 16;
    static size_t slots_for(size_t bytes) { return std::min(max_entries, std::bit_ceil(bytes / 8)); }

    struct Entry {
        std::string_view piece;
        size_t begin = 0;
        uint32_t count = 0;
    };
    std::vector<Entry> entries_;
};

} // namespace quant
