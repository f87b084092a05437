#include "eval/perplexity.h"

#include "base/error.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "engine/session.h"
#include "eval/token_statistics.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <limits>

namespace quant {

namespace {

constexpr uint32_t default_context = 512;

// Both models must mean the same by a token id.
void check_same_vocabulary(const Model &model, const Model &base) {
    const TokenizerSpec &a = model.tokenizer().spec(), &b = base.tokenizer().spec();
    if (a.tokens.size() != b.tokens.size())
        fail(QUANT_ERR_ARGUMENT, "{} has {} tokens and its base {} has {}: they cannot be compared",
             model.file().metadata().name(), a.tokens.size(), base.file().metadata().name(), b.tokens.size());
    const auto [x, y] = std::mismatch(a.tokens.begin(), a.tokens.end(), b.tokens.begin());
    if (x != a.tokens.end())
        fail(QUANT_ERR_ARGUMENT, "{} and its base {} differ in token {} (\"{}\", \"{}\"): they cannot be compared",
             model.file().metadata().name(), base.file().metadata().name(), x - a.tokens.begin(), printable(*x),
             printable(*y));
}

// The text's tokens cut into chunks, as the protocol has it.
struct Chunks {
    std::vector<int32_t> tokens;
    uint32_t context = 0, count = 0;
    std::optional<int32_t> bos;

    std::vector<int32_t> chunk(uint32_t i) const {
        const auto begin = tokens.begin() + ptrdiff_t{i} * context;
        std::vector<int32_t> ids(begin, begin + context);
        if (bos) ids[0] = *bos;
        return ids;
    }
};

Chunks cut(const Model &model, const quant_eval_options &options) {
    Chunks chunks;
    const uint32_t own = model.hyperparameters().context;
    chunks.context = options.context_length ? options.context_length : std::min(default_context, own);
    if (chunks.context < 4 || chunks.context > own)
        fail(QUANT_ERR_ARGUMENT, "contexts of {} tokens: expected 4 to the model's {}", chunks.context, own);
    const Tokenizer &tokenizer = model.tokenizer();
    chunks.tokens = tokenizer.encode({options.text, options.text_bytes}, {true, false});
    if (tokenizer.spec().add_bos) chunks.bos = tokenizer.spec().bos;
    const uint64_t whole = chunks.tokens.size() / chunks.context;
    if (whole == 0)
        fail(QUANT_ERR_ARGUMENT, "the text has {} tokens, fewer than one chunk of {}", chunks.tokens.size(),
             chunks.context);
    chunks.count = static_cast<uint32_t>(options.chunks ? std::min<uint64_t>(options.chunks, whole) : whole);
    return chunks;
}

// Runs chunks on one model and keeps the logits of the scored positions.
class Scorer {
public:
    Scorer(std::shared_ptr<const Model> model, const Chunks &chunks, Activations activations)
        : session_(std::move(model), chunks.context, activations), rows_(chunks.context - chunks.context / 2),
          logits_(rows_ * session_.model().hyperparameters().vocabulary) {}

    void run(std::span<const int32_t> chunk) {
        session_.truncate(0);
        session_.run(chunk, rows_, logits_.data());
    }
    const float *row(size_t i) const { return logits_.data() + i * session_.model().hyperparameters().vocabulary; }

private:
    Session session_;
    size_t rows_;
    std::vector<float> logits_;
};

struct Samples {
    std::vector<double> loss, base_loss, difference, divergence, probability_change, squared_change;
    uint64_t same_top = 0;

    void add(const TokenScore &s) {
        loss.push_back(-s.log_probability);
        if (std::isnan(s.divergence)) return;
        base_loss.push_back(-s.base_log_probability);
        difference.push_back(s.base_log_probability - s.log_probability);
        divergence.push_back(s.divergence);
        const double change = std::exp(s.log_probability) - std::exp(s.base_log_probability);
        probability_change.push_back(change);
        squared_change.push_back(change * change);
        same_top += s.same_top;
    }
};

void fill(quant_eval_result &r, Samples &samples) {
    const Estimate loss = estimate(samples.loss), base = estimate(samples.base_loss);
    r.tokens = samples.loss.size();
    r.ppl = std::exp(loss.mean);
    r.ppl_se = r.ppl * loss.standard_error;
    r.base_ppl = std::exp(base.mean);
    r.base_ppl_se = r.base_ppl * base.standard_error;
    const Estimate ratio = estimate(samples.difference);
    r.ln_ratio = ratio.mean;
    r.ln_ratio_se = ratio.standard_error;
    const Estimate divergence = estimate(samples.divergence);
    r.kld_mean = divergence.mean;
    r.kld_se = divergence.standard_error;
    std::sort(samples.divergence.begin(), samples.divergence.end());
    r.kld_median = quantile(samples.divergence, 0.5);
    r.kld_p99 = quantile(samples.divergence, 0.99);
    r.kld_p999 = quantile(samples.divergence, 0.999);
    r.kld_max = quantile(samples.divergence, 1);
    const auto n = static_cast<double>(samples.divergence.size());
    r.top1 = n > 0 ? static_cast<double>(samples.same_top) / n : std::numeric_limits<double>::quiet_NaN();
    r.top1_se = std::sqrt(r.top1 * (1 - r.top1) / (n - 1));
    r.dp_mean = estimate(samples.probability_change).mean;
    r.dp_rms = std::sqrt(estimate(samples.squared_change).mean);
}

std::string running_values(const Samples &samples) {
    std::string text = fmt::format("PPL {:.3f}", std::exp(estimate(samples.loss).mean));
    if (!samples.divergence.empty()) text += fmt::format("  KLD {:.5f}", estimate(samples.divergence).mean);
    return text;
}

} // namespace

quant_eval_result evaluate(std::shared_ptr<const Model> model, std::shared_ptr<const Model> base,
                           const quant_eval_options &options) {
    const auto start = std::chrono::steady_clock::now();
    if (!options.text) fail(QUANT_ERR_ARGUMENT, "no text to evaluate on");
    if (base) check_same_vocabulary(*model, *base);
    const Activations activations = checked_activations(options.activations);
    const Chunks chunks = cut(*model, options);
    const uint32_t vocabulary = model->hyperparameters().vocabulary;
    if (base && base->hyperparameters().context < chunks.context)
        fail(QUANT_ERR_ARGUMENT, "contexts of {} tokens are more than the base's {}", chunks.context,
             base->hyperparameters().context);

    Scorer scorer(model, chunks, activations);
    std::unique_ptr<Scorer> base_scorer;
    if (base) base_scorer = std::make_unique<Scorer>(base, chunks, activations);
    const uint32_t first = chunks.context / 2; // Position whose next token is the first scored one.
    const uint32_t scored = chunks.context - 1 - first;
    Samples samples;
    std::vector<TokenScore> scores(scored);
    Progress progress(options.progress, options.user);
    progress.begin("evaluating", chunks.count);
    for (uint32_t c = 0; c < chunks.count; c++) {
        const std::vector<int32_t> ids = chunks.chunk(c);
        if (base) base_scorer->run(ids);
        scorer.run(ids);
        default_pool().parallel_for(scored, 4, [&](size_t begin, size_t end, unsigned) {
            for (size_t i = begin; i < end; i++)
                scores[i] = score_token(scorer.row(i), base ? base_scorer->row(i) : nullptr, vocabulary,
                                        ids[first + 1 + i]);
        });
        for (const TokenScore &s : scores) samples.add(s);
        progress.detail(running_values(samples));
        progress.advance();
    }
    progress.finish();

    quant_eval_result result{};
    result.size = sizeof result;
    result.context_length = chunks.context;
    result.chunks = chunks.count;
    result.activations = options.activations;
    fill(result, samples);
    const std::string digest = sha256_hex({options.text, options.text_bytes});
    std::memcpy(result.text_sha256, digest.c_str(), sizeof result.text_sha256);
    result.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
    return result;
}

} // namespace quant
