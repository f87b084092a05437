// Reading the list of merges. The first of equal pairs counts.
#include "text/merge_table.h"

#include "base/error.h"

namespace quant {

MergeTable::MergeTable(const std::vector<std::string> &merges,
                       const std::function<int32_t(const std::string &)> &symbol, const std::string &name) {
    if (merges.size() > INT32_MAX / 4) fail(QUANT_ERR_LIMIT, "{}: {} merges are too many", name, merges.size());
    entries_.resize(std::bit_ceil(merges.size() * 2 + 2));
    for (size_t rank = 0; rank < merges.size(); ++rank) {
        const std::string &merge = merges[rank];
        const size_t space = merge.find(' ', 1);
        if (space == std::string::npos || space + 1 == merge.size())
            fail(QUANT_ERR_TOKENIZER, "{}: merge {} '{}' is no two tokens with a space between", name, rank,
                 printable(merge));
        const std::string left = merge.substr(0, space), right = merge.substr(space + 1);
        const uint64_t key = key_of(symbol(left), symbol(right));
        size_t slot = slot_of(key);
        while (entries_[slot].key != empty && entries_[slot].key != key) slot = (slot + 1) & (entries_.size() - 1);
        if (entries_[slot].key == key) continue;
        entries_[slot] = {key, {static_cast<uint32_t>(rank), symbol(left + right)}};
    }
}

} // namespace quant
