#include "engine/constraint.h"

#include "base/error.h"

#include <algorithm>

namespace quant {

namespace {

bool is_control(const Tokenizer &tokenizer, size_t id) {
    const TokenizerSpec &spec = tokenizer.spec();
    return id < spec.kinds.size() && spec.kinds[id] == TokenKind::control && !spec.tokens[id].empty();
}

} // namespace

std::string grammar_piece(const Tokenizer &tokenizer, int32_t id, bool with_controls) {
    if (tokenizer.ends_generation(id)) return {};
    std::string piece = tokenizer.piece(id);
    if (!with_controls) return piece;
    // No byte of a text may pass for what stands before a control token.
    if (piece.find(control_lead) != piece.npos) return {};
    if (piece.empty() && is_control(tokenizer, static_cast<size_t>(id)))
        piece = control_lead + tokenizer.spec().tokens[static_cast<size_t>(id)];
    return piece;
}

GrammarVocabularyPtr grammar_vocabulary(const Tokenizer &tokenizer, bool with_controls) {
    std::vector<std::string> tokens(tokenizer.size());
    for (size_t id = 0; id < tokens.size(); id++)
        tokens[id] = grammar_piece(tokenizer, static_cast<int32_t>(id), with_controls);
    return std::make_shared<const GrammarVocabulary>(tokens);
}

MarkTokens mark_tokens(const Tokenizer &tokenizer) {
    MarkTokens out;
    for (size_t id = 0; id < tokenizer.size(); id++)
        if (tokenizer.ends_generation(static_cast<int32_t>(id)))
            out.ends.push_back(tokenizer.spec().tokens[id]);
        else if (is_control(tokenizer, id) && tokenizer.piece(static_cast<int32_t>(id)).empty())
            out.controls.push_back(tokenizer.spec().tokens[id]);
    return out;
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
