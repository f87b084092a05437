// Tokens that are found in the text before anything else happens to it: control
// tokens (<|im_end|>), and tokens that somebody added to a finished vocabulary.
#pragma once

#include "text/normalizer.h"
#include "text/tokenizer.h"

#include <array>
#include <cstdint>
#include <functional>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quant {

/// A trie over byte strings that finds the longest that a text begins with.
class ByteTrie {
public:
    static constexpr int32_t none = -1;
    ByteTrie() { root_.fill(0); }

    void add(std::string_view text, int32_t value);
    /// The node that `byte` leads to from `node` (0: the root); 0 where none does.
    uint32_t child(uint32_t node, uint8_t byte) const {
        if (node == 0) return root_[byte];
        const auto found = children_.find(uint64_t{node} << 8 | byte);
        return found == children_.end() ? 0 : found->second;
    }
    int32_t value(uint32_t node) const { return values_[node]; }
    bool empty() const { return values_.size() == 1; }

private:
    std::array<uint32_t, 256> root_;
    std::unordered_map<uint64_t, uint32_t> children_; ///< Node and byte to node.
    std::vector<int32_t> values_ = {none};
};

/// Immutable; any thread may use it at the same time.
class AddedTokens {
public:
    /// Throws Error (QUANT_ERR_TOKENIZER) for a token that is too long to look for.
    AddedTokens(const TokenizerSpec &spec, const Normalizer &normalizer);

    using TextSink = std::function<void(std::string_view text)>;
    using TokenSink = std::function<void(int32_t id)>;
    /// Cut `text` at the added tokens that are looked for before (`normalized` false) or
    /// after normalization. Tokens that are special are text where `parse_special` is false.
    void split(std::string_view text, bool normalized, bool parse_special, const TextSink &on_text,
               const TokenSink &on_token) const;
    bool any(bool normalized) const { return !tries_[normalized].empty(); }

private:
    struct Found {
        size_t begin, end;
        int32_t id;
    };
    bool find_at(std::string_view text, size_t at, bool normalized, bool parse_special, Found &found) const;

    std::array<ByteTrie, 2> tries_;       ///< By whether matched after normalization; values are places in tokens_.
    struct Token {
        AddedToken flags;
        bool special;
    };
    std::vector<Token> tokens_;
};

} // namespace quant
