// One generation that keeps to a grammar: which tokens may come next, and where the text then stands.
#pragma once

#include "engine/logit_edits.h"
#include "text/call_grammar.h"
#include "text/token_masks.h"
#include "text/tokenizer.h"

#include <memory>
#include <vector>

namespace quant {

/// A token as grammars take it; "" for one that no text holds. Control tokens have a text only in grammars of marks
/// (call_grammar.h), those that end a text in none.
std::string grammar_piece(const Tokenizer &tokenizer, int32_t id, bool with_controls);
/// All tokens of a tokenizer, likewise.
GrammarVocabularyPtr grammar_vocabulary(const Tokenizer &tokenizer, bool with_controls);
/// The same tokenizer's control tokens, as grammars of marks spell them.
MarkTokens mark_tokens(const Tokenizer &tokenizer);

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
