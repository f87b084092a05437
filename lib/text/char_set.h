// A set of characters as regexes write it, `[^\s\p{L}0-9]`: class bits and ranges.
#pragma once

#include "text/char_class.h"

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace quant {

struct CharSet {
    uint16_t flags = 0;                                ///< chars::Flag bits that are in.
    std::vector<std::pair<uint32_t, uint32_t>> ranges; ///< Sorted, disjoint, both ends in.
    bool negated = false;

    bool has(chars::Glyph g) const;
};

/// Reads one set from the front of `pattern` and removes it: `[...]`, `\p{X}`, `\s`,
/// `\d` or a plain character. Nothing for what this subset does not know.
std::optional<CharSet> parse_char_set(std::string_view &pattern);

} // namespace quant
