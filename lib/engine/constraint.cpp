#include "engine/constraint.h"

#include "base/error.h"

#include <algorithm>

namespace quant {

GrammarVocabularyPtr grammar_vocabulary(const Tokenizer &tokenizer) {
    std::vector<std::string> tokens(tokenizer.size());
    for (size_t id = 0; id < tokens.size(); id++)
        if (!tokenizer.ends_generation(static_cast<int32_t>(id)))
            tokens[id] = tokenizer.piece(static_cast<int32_t>(id));
    return std::make_shared<const GrammarVocabulary>(tokens);
}

Constraint::Constraint(GrammarPtr grammar, GrammarVocabularyPtr vocabulary, std::vector<int32_t> end_tokens)
    : state_(grammar),
      masks_(grammar, std::move(vocabulary)),
      end_tokens_(std::move(end_tokens)) {}

TokenFilter Constraint::allowed() {
    const std::span<const uint64_t> mask = masks_.allowed(state_);
    bits_.assign(mask.begin(), mask.end());
    if (state_.may_end())
        for (const int32_t id : end_tokens_) bits_[static_cast<size_t>(id) / 64] |= uint64_t{1} << (id % 64);
    if (std::all_of(bits_.begin(), bits_.end(), [](uint64_t word) { return word == 0; }))
        fail(QUANT_ERR_LIMIT,
             "no token of the vocabulary goes on as the grammar wants, or the grammar is too ambiguous");
    return bits_;
}

void Constraint::advance(std::string_view piece) {
    if (!state_.advance(piece)) fail(QUANT_ERR_INTERNAL, "a token came that the grammar does not allow");
}

} // namespace quant
