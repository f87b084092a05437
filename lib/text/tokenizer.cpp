// Making a tokenizer from a spec: everything that one part of a spec claims about
// another is checked here, once, so that the models need no checks.
#include "text/tokenizer.h"

#include "base/error.h"
#include "text/text_tokenizer.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

namespace quant {

namespace {

void check_id(const TokenizerSpec &spec, std::string_view what, const std::optional<int32_t> &id) {
    if (id && (*id < 0 || static_cast<size_t>(*id) >= spec.tokens.size()))
        fail(QUANT_ERR_TOKENIZER, "{}: the {} id {} is outside the vocabulary of {}", spec.name, what, *id,
             spec.tokens.size());
}

void check_ids(const TokenizerSpec &spec) {
    check_id(spec, "bos token", spec.bos);
    check_id(spec, "eos token", spec.eos);
    check_id(spec, "unknown token", spec.unknown);
    check_id(spec, "padding token", spec.pad);
    for (const int32_t id : spec.end_of_turn) check_id(spec, "end-of-turn token", id);
    for (const int32_t id : spec.prefix_ids) check_id(spec, "prefix token", id);
    for (const int32_t id : spec.suffix_ids) check_id(spec, "suffix token", id);
    for (const AddedToken &token : spec.added) check_id(spec, "added token", token.id);
}

void check_counts(const TokenizerSpec &spec) {
    if (spec.tokens.empty()) fail(QUANT_ERR_TOKENIZER, "{}: the vocabulary has no tokens", spec.name);
    if (spec.tokens.size() > INT32_MAX)
        fail(QUANT_ERR_LIMIT, "{}: the vocabulary has {} tokens, too many", spec.name, spec.tokens.size());
    if (!spec.kinds.empty() && spec.kinds.size() != spec.tokens.size())
        fail(QUANT_ERR_TOKENIZER, "{}: {} token types for {} tokens", spec.name, spec.kinds.size(), spec.tokens.size());
    if (!spec.scores.empty() && spec.scores.size() != spec.tokens.size())
        fail(QUANT_ERR_TOKENIZER, "{}: {} scores for {} tokens", spec.name, spec.scores.size(), spec.tokens.size());
    const bool needs_scores = spec.model == TokenizerModel::unigram ||
                              (spec.model == TokenizerModel::sentencepiece_bpe && !spec.merge_by_rank);
    if (needs_scores && spec.scores.empty())
        fail(QUANT_ERR_TOKENIZER, "{}: a vocabulary of this kind needs scores", spec.name);
    for (size_t id = 0; id < spec.scores.size(); ++id)
        if (!std::isfinite(spec.scores[id]))
            fail(QUANT_ERR_TOKENIZER, "{}: the score of token {} is not finite", spec.name, id);
}

void check_tokens(const TokenizerSpec &spec) {
    std::unordered_set<std::string_view> seen;
    seen.reserve(spec.tokens.size());
    for (size_t id = 0; id < spec.tokens.size(); ++id) {
        const std::string &token = spec.tokens[id];
        const TokenKind kind = spec.kinds.empty() ? TokenKind::normal : spec.kinds[id];
        if (kind < TokenKind::normal || kind > TokenKind::byte)
            fail(QUANT_ERR_TOKENIZER, "{}: token {} has type {}, expected 1 to 6", spec.name, id, static_cast<int>(kind));
        if (!seen.insert(token).second && !(token.empty() || kind == TokenKind::unused))
            fail(QUANT_ERR_TOKENIZER, "{}: token {} '{}' is in the vocabulary twice", spec.name, id, printable(token));
    }
}

} // namespace

bool Tokenizer::ends_generation(int32_t id) const {
    return (spec_.eos && *spec_.eos == id) ||
           std::find(spec_.end_of_turn.begin(), spec_.end_of_turn.end(), id) != spec_.end_of_turn.end();
}

std::shared_ptr<const Tokenizer> Tokenizer::create(TokenizerSpec spec) {
    check_counts(spec);
    check_tokens(spec);
    check_ids(spec);
    switch (spec.model) {
    case TokenizerModel::byte_bpe: return make_byte_bpe(std::move(spec));
    case TokenizerModel::sentencepiece_bpe: return make_sentencepiece_bpe(std::move(spec));
    case TokenizerModel::unigram: return make_unigram(std::move(spec));
    case TokenizerModel::word_piece: return make_word_piece(std::move(spec));
    }
    fail(QUANT_ERR_UNSUPPORTED, "{}: unknown kind of tokenizer", spec.name);
}

void pad_vocabulary(TokenizerSpec &spec, size_t size) {
    if (spec.tokens.size() >= size) return;
    if (spec.kinds.empty()) spec.kinds.assign(spec.tokens.size(), TokenKind::normal);
    for (size_t id = spec.tokens.size(); id < size; ++id) spec.tokens.push_back(fmt::format("[PAD{}]", id));
    spec.kinds.resize(size, TokenKind::unused);
    if (!spec.scores.empty()) spec.scores.resize(size, -1000.0F);
}

} // namespace quant
