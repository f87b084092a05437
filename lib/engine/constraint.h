// One generation that keeps to a grammar: which tokens may come next, and where the text then stands.
#pragma once

#include "engine/logit_edits.h"
#include "text/token_masks.h"
#include "text/tokenizer.h"

#include <memory>
#include <vector>

namespace quant {

/// The tokens of a tokenizer as grammars take them; control tokens and those that end a text are no text.
GrammarVocabularyPtr grammar_vocabulary(const Tokenizer &tokenizer);

/// One thread at a time.
class Constraint {
public:
    /// `end_tokens` may come where the text is complete. Throws Error (QUANT_ERR_LIMIT): the grammar is too ambiguous.
    Constraint(GrammarPtr grammar, GrammarVocabularyPtr vocabulary, std::vector<int32_t> end_tokens);

    /// Of the next token; borrowed until the next call. Throws Error (QUANT_ERR_LIMIT): none can come, or too much
    /// work.
    TokenFilter allowed();
    /// Goes on by a token's piece, which allowed() had.
    void advance(std::string_view piece);
    /// Whether nothing can follow.
    bool must_end() const { return state_.must_end(); }

private:
    GrammarState state_;
    TokenMasks masks_;
    std::vector<int32_t> end_tokens_;
    std::vector<uint64_t> bits_;
};

} // namespace quant
