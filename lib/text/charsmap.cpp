// The blob is: size of the trie in bytes (u32, little-endian), the trie's units, then
// replacements that each end with a zero byte. A unit packs label, a leaf flag and the
// XOR offset to its children. Every index is checked as it is followed, so a damaged
// map gives odd text at worst.
#include "text/charsmap.h"

#include "base/error.h"
#include "base/utf8.h"

#include <algorithm>
#include <cstring>

namespace quant {

namespace {

constexpr uint32_t has_leaf_bit = 1U << 8;
uint32_t label_of(uint32_t unit) { return unit & 0x800000FFU; }
uint32_t value_of(uint32_t unit) { return unit & 0x7FFFFFFFU; }
uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1U << 9)) >> 6); }

uint32_t read_u32(std::string_view bytes) {
    uint32_t out = 0;
    for (size_t i = 0; i < 4; ++i) out |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
    return out;
}

} // namespace

Charsmap::Charsmap(std::string_view blob, const std::string &name) {
    if (blob.size() < 8)
        fail(QUANT_ERR_TOKENIZER, "{}: the precompiled charsmap has {} bytes, too few for its header", name, blob.size());
    const uint32_t trie_bytes = read_u32(blob);
    if (trie_bytes == 0 || trie_bytes % 4 != 0 || trie_bytes > blob.size() - 4)
        fail(QUANT_ERR_TOKENIZER, "{}: the precompiled charsmap of {} bytes announces a trie of {} bytes", name,
             blob.size(), trie_bytes);
    units_.reserve(trie_bytes / 4);
    for (size_t at = 4; at < 4 + size_t{trie_bytes}; at += 4) units_.push_back(read_u32(blob.substr(at, 4)));
    replacements_ = blob.substr(4 + size_t{trie_bytes});
    if (replacements_.empty() || replacements_.back() != '\0')
        fail(QUANT_ERR_TOKENIZER, "{}: the replacements of the precompiled charsmap do not end with a zero byte", name);
}

std::optional<Charsmap::Match> Charsmap::longest(std::string_view text) const {
    std::optional<Match> best;
    uint32_t node = offset_of(units_[0]);
    for (size_t i = 0; i < text.size(); ++i) {
        const auto byte = static_cast<uint8_t>(text[i]);
        node ^= byte;
        if (byte == 0 || node >= units_.size() || label_of(units_[node]) != byte) break;
        const uint32_t unit = units_[node];
        node ^= offset_of(unit);
        if (node >= units_.size()) break;
        if (!(unit & has_leaf_bit)) continue;
        const uint32_t start = value_of(units_[node]);
        if (start < replacements_.size()) best = Match{i + 1, std::string_view(replacements_.data() + start)};
    }
    return best;
}

std::string Charsmap::normalize(std::string_view text) const {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        if (const auto match = longest(text.substr(at))) {
            out += match->replacement;
            at += match->bytes;
        } else {
            const size_t length = std::max<size_t>(1, utf8_sequence_length(text.substr(at)));
            out += text.substr(at, length);
            at += length;
        }
    }
    return out;
}

} // namespace quant
