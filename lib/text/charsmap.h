// SentencePiece's precompiled normalization map: a double-array trie from UTF-8
// sequences to their replacements, as it stands in files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

class Charsmap {
public:
    /// Throws Error (QUANT_ERR_TOKENIZER) for a blob whose parts do not fit in it.
    Charsmap(std::string_view blob, const std::string &name);

    struct Match {
        size_t bytes; ///< Of the text.
        std::string_view replacement;
    };
    /// The longest sequence at the front of `text` that has a replacement.
    std::optional<Match> longest(std::string_view text) const;
    std::string normalize(std::string_view text) const;

private:
    std::vector<uint32_t> units_;
    std::string replacements_;
};

} // namespace quant
