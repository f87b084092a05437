// The tokens of a vocabulary as a trie, laid out for one walk that finds all tokens a
// grammar allows: nodes stand in the order of a depth-first walk, and each knows where
// its subtree ends, so that what is refused is jumped over.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace quant {

/// Immutable; any thread may use it at the same time. Build one for each tokenizer.
class GrammarVocabulary {
public:
    struct Node {
        uint32_t end;   ///< The first node after the subtree.
        uint32_t token; ///< That ends here; size() when none does.
        uint16_t depth; ///< Bytes before this one.
        uint8_t byte;
    };
    static constexpr size_t token_bytes = 4096; ///< The longest token.

    /// `tokens` are the raw bytes of each, as Tokenizer::piece() gives them. Empty ones are
    /// never allowed: control tokens, and whatever no text may hold.
    /// Throws Error (QUANT_ERR_LIMIT) for a token over token_bytes.
    explicit GrammarVocabulary(const std::vector<std::string> &tokens);

    size_t size() const { return size_; }
    std::span<const Node> nodes() const { return nodes_; }
    /// Tokens of the same bytes as another: first the one that is not in the trie.
    std::span<const std::pair<uint32_t, uint32_t>> twins() const { return twins_; }
    size_t longest() const { return longest_; }

private:
    size_t size_, longest_ = 0;
    std::vector<Node> nodes_;
    std::vector<std::pair<uint32_t, uint32_t>> twins_;
};

using GrammarVocabularyPtr = std::shared_ptr<const GrammarVocabulary>;

} // namespace quant
