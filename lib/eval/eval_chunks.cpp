#include "eval/eval_chunks.h"

#include "base/error.h"
#include "eval/base_logits.h"

#include <algorithm>

namespace quant {

namespace {

constexpr uint32_t default_context = 512;

std::vector<int32_t> tokens_of_text(const Model &model, const quant_eval_options &options) {
    if (options.text_bytes == 0) fail(QUANT_ERR_ARGUMENT, "the text to evaluate on is empty");
    return model.tokenizer().encode({options.text, options.text_bytes}, {true, false});
}

void check_context(uint32_t context, uint32_t own) {
    if (context < 4 || context > own)
        fail(QUANT_ERR_ARGUMENT, "contexts of {} tokens: expected 4 to the model's {}", context, own);
}

void check_stored(const Model &model, const quant_eval_options &options, const BaseLogitsReader &stored) {
    const std::string name = printable(stored.path().string(), 4096);
    if (const uint32_t own = model.hyperparameters().vocabulary; stored.vocabulary() != own)
        fail(QUANT_ERR_ARGUMENT, "{} is of a vocabulary of {} tokens and {} has {}: they cannot be compared", name,
             stored.vocabulary(), model.file().metadata().name(), own);
    if (options.context_length && options.context_length != stored.context())
        fail(QUANT_ERR_ARGUMENT, "{} has chunks of {} tokens, not of {}", name, stored.context(),
             options.context_length);
    if (!options.text) return;
    const std::vector<int32_t> tokens = tokens_of_text(model, options);
    const auto &wanted = stored.tokens();
    const auto [at, there] = std::mismatch(wanted.begin(), wanted.end(), tokens.begin(), tokens.end());
    if (at == wanted.end()) return;
    const auto place = at - wanted.begin();
    if (there == tokens.end())
        fail(QUANT_ERR_ARGUMENT, "{} was made from {} tokens and the text has only {}: it is of another text", name,
             wanted.size(), tokens.size());
    fail(QUANT_ERR_ARGUMENT, "token {} of {} is {} and of the text {}: it is of another text or tokenizer", place, name,
         *at, *there);
}

} // namespace

std::vector<int32_t> EvalChunks::chunk(uint32_t i) const {
    const auto begin = tokens.begin() + ptrdiff_t{i} * context;
    std::vector<int32_t> ids(begin, begin + context);
    if (bos) ids[0] = *bos;
    return ids;
}

EvalChunks cut_chunks(const Model &model, const quant_eval_options &options, const BaseLogitsReader *stored) {
    EvalChunks chunks;
    const uint32_t own = model.hyperparameters().context;
    if (stored) {
        check_stored(model, options, *stored);
        chunks.context = stored->context();
        check_context(chunks.context, own);
        chunks.tokens = stored->tokens();
    } else {
        chunks.context = options.context_length ? options.context_length : std::min(default_context, own);
        check_context(chunks.context, own);
        chunks.tokens = tokens_of_text(model, options);
    }
    const TokenizerSpec &spec = model.tokenizer().spec();
    if (spec.add_bos) chunks.bos = spec.bos;
    const uint64_t whole = chunks.tokens.size() / chunks.context;
    if (whole == 0)
        fail(QUANT_ERR_ARGUMENT, "the text has {} tokens, fewer than one chunk of {}", chunks.tokens.size(),
             chunks.context);
    chunks.count = static_cast<uint32_t>(std::min<uint64_t>(options.chunks ? options.chunks : UINT32_MAX, whole));
    chunks.tokens.resize(size_t{chunks.count} * chunks.context);
    return chunks;
}

} // namespace quant
