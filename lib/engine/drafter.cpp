#include "engine/drafter.h"

#include "base/error.h"
#include "engine/session.h"
#include "kernel/ops.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

/// Tokens at the sequence's end that are looked for: the longest that are found count.
constexpr size_t longest_match = 6, shortest_match = 2;
/// How far back is looked.
constexpr size_t most_searched = 16384;
/// Below this probability of its likeliest token, a draft model's guess is seldom worth its time.
constexpr float least_probability = 0.4f;

/// How many tokens before `a` and before `b`, both indices into `tokens`, are the same; at most longest_match.
size_t common_suffix(std::span<const int32_t> tokens, size_t a, size_t b) {
    size_t n = 0;
    while (n < longest_match && n < a && tokens[a - 1 - n] == tokens[b - 1 - n]) n++;
    return n;
}

} // namespace

std::vector<int32_t> LookupDrafter::propose(std::span<const int32_t> tokens, size_t most) {
    const size_t end = tokens.size(), stop = end > most_searched ? end - most_searched : 0;
    size_t best = shortest_match - 1, at = 0;
    for (size_t i = end; i-- > stop + 1 && best < longest_match;) { // The latest of the longest.
        const size_t n = common_suffix(tokens, i, end);
        if (n > best) best = n, at = i;
    }
    if (best < shortest_match) return {};
    const auto found = tokens.subspan(at, std::min(most, end - at));
    return {found.begin(), found.end()};
}

ModelDrafter::ModelDrafter(std::shared_ptr<const Model> draft, const Model &target, uint32_t context) {
    const std::vector<std::string> &ours = draft->tokenizer().spec().tokens, &theirs = target.tokenizer().spec().tokens;
    if (ours != theirs)
        fail(QUANT_ERR_ARGUMENT, "{} cannot draft for {}: a draft model needs the same vocabulary", draft->file().metadata().name(),
             target.file().metadata().name());
    logits_.resize(draft->hyperparameters().vocabulary);
    const uint32_t most = draft->hyperparameters().context;
    session_ = std::make_unique<Session>(std::move(draft), std::min(context, most), Activations::int8_of_many, generating_kv_types);
}

ModelDrafter::~ModelDrafter() = default;

std::vector<int32_t> ModelDrafter::propose(std::span<const int32_t> tokens, size_t most) {
    std::vector<int32_t> out;
    if (tokens.empty() || tokens.size() + most > session_->capacity()) return out;
    const std::vector<int32_t> &known = session_->tokens();
    const auto differ = std::mismatch(known.begin(), known.end(), tokens.begin(), tokens.end()).first;
    // The last token is run again even if it is known: its logits are wanted.
    const size_t same = std::min(static_cast<size_t>(differ - known.begin()), tokens.size() - 1);
    session_->truncate(static_cast<uint32_t>(same));
    session_->run(tokens.subspan(same), 1, logits_.data());
    while (out.size() < most) {
        const auto likeliest = std::max_element(logits_.begin(), logits_.end());
        const float probability = std::exp(*likeliest - vector_ops().log_sum_exp(logits_.data(), logits_.size()));
        if (!(probability >= least_probability)) break;
        out.push_back(static_cast<int32_t>(likeliest - logits_.begin()));
        if (out.size() < most) session_->run(std::span(&out.back(), 1), 1, logits_.data());
    }
    return out;
}

} // namespace quant
