#include "eval/perplexity.h"

#include "base/error.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "engine/session.h"
#include "eval/base_logits.h"
#include "eval/eval_chunks.h"
#include "eval/eval_samples.h"
#include "eval/token_statistics.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <deque>
#include <optional>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;

// Runs chunks on one model and keeps the logits of the scored positions.
class Scorer {
public:
    Scorer(std::shared_ptr<const Model> model, const EvalChunks &chunks, Activations activations, KvTypes kv = {})
        : session_(std::move(model), chunks.context, activations, kv), rows_(chunks.context - chunks.first_scored()),
          logits_(rows_ * session_.model().hyperparameters().vocabulary) {}

    void attach(const AdapterSet &adapters) { session_.set_adapters(adapters); }

    void run(std::span<const int32_t> chunk) {
        session_.truncate(0);
        session_.run(chunk, rows_, logits_.data());
    }
    const float *row(size_t i) const { return logits_.data() + i * session_.model().hyperparameters().vocabulary; }
    const std::string &name() const { return session_.model().file().metadata().name(); }

private:
    Session session_;
    size_t rows_;
    std::vector<float> logits_;
};

// What models are compared with: a model that runs along, a file of its logits, or nothing.
class Base {
public:
    Base(std::shared_ptr<const Model> model, BaseLogitsReader *stored, const EvalChunks &chunks,
         Activations activations)
        : stored_(stored) {
        if (model) scorer_.emplace(std::move(model), chunks, activations);
        if (stored_) values_.resize(size_t{default_pool().size()} * stored_->vocabulary());
    }

    void run(uint32_t chunk, std::span<const int32_t> ids) {
        if (scorer_) scorer_->run(ids);
        if (stored_) stored_->load(chunk);
    }

    // Valid until this worker's next call.
    BaseRow row(size_t i, int32_t right, unsigned worker) {
        if (scorer_) return {scorer_->row(i)};
        if (!stored_) return {};
        float *values = values_.data() + size_t{worker} * stored_->vocabulary();
        const auto row = static_cast<uint32_t>(i);
        stored_->decode(row, values);
        return {values, true, double{stored_->log_probability(row, right)}};
    }

private:
    std::optional<Scorer> scorer_;
    BaseLogitsReader *stored_;
    std::vector<float> values_; ///< A row for each worker.
};

// A whole evaluation of one model or several on the same tokens.
class Pass {
public:
    /// The first model runs with the adapters.
    Pass(const std::vector<std::shared_ptr<const Model>> &models, const std::shared_ptr<const Model> &base,
         const quant_eval_options &options, const AdapterSet &adapters);

    void run();
    quant_eval_result result(size_t model) const;
    const EvalSamples &samples(size_t model) const { return samples_[model]; }
    uint32_t per_chunk() const { return scored_positions(chunks_.context); }
    uint32_t chunk_count() const { return chunks_.count; }

private:
    void score(size_t model, uint32_t chunk, std::span<const int32_t> ids);
    void check_finite(size_t model, uint32_t chunk, const std::vector<TokenScore> &scores) const;

    const Clock::time_point start_ = Clock::now();
    const quant_eval_options &options_;
    uint32_t vocabulary_;
    std::optional<BaseLogitsReader> stored_;
    EvalChunks chunks_;
    std::deque<Scorer> scorers_; ///< They stay where they are made.
    std::optional<Base> base_;
    bool has_base_;
    std::optional<BaseLogitsWriter> saved_;
    std::vector<EvalSamples> samples_;
    double seconds_ = 0;
};

Pass::Pass(const std::vector<std::shared_ptr<const Model>> &models, const std::shared_ptr<const Model> &base,
           const quant_eval_options &options, const AdapterSet &adapters)
    : options_(options), vocabulary_(models[0]->hyperparameters().vocabulary),
      has_base_(base != nullptr || options.base_logits != nullptr) {
    if (base && options.base_logits)
        fail(QUANT_ERR_ARGUMENT, "a base model and a file of base logits were given: expected one of them");
    if (!options.text && !options.base_logits) fail(QUANT_ERR_ARGUMENT, "no text to evaluate on");
    for (const auto &other : models) check_same_vocabulary(*models[0], *other);
    if (base) check_same_vocabulary(*models[0], *base);
    const Activations activations = checked_activations(options.activations);
    if (options.base_logits) stored_.emplace(options.base_logits);
    chunks_ = cut_chunks(*models[0], options, stored_ ? &*stored_ : nullptr);
    std::vector<const Model *> all{base.get()};
    for (const auto &model : models) all.push_back(model.get());
    for (const Model *model : all)
        if (model && model->hyperparameters().context < chunks_.context)
            fail(QUANT_ERR_ARGUMENT, "contexts of {} tokens are more than the {} of {}", chunks_.context,
                 model->hyperparameters().context, model->file().metadata().name());
    for (const auto &model : models) scorers_.emplace_back(model, chunks_, activations, KvTypes{options.key_type, options.value_type});
    scorers_[0].attach(adapters);
    base_.emplace(base, stored_ ? &*stored_ : nullptr, chunks_, activations);
    samples_.resize(models.size());
    if (options.save_logits) saved_.emplace(options.save_logits, chunks_.context, vocabulary_, chunks_.tokens);
}

void Pass::run() {
    Progress progress(options_.progress, options_.user);
    progress.begin("evaluating", chunks_.count);
    for (uint32_t c = 0; c < chunks_.count; c++) {
        const std::vector<int32_t> ids = chunks_.chunk(c);
        base_->run(c, ids);
        for (size_t m = 0; m < scorers_.size(); m++) {
            scorers_[m].run(ids);
            score(m, c, ids);
        }
        if (saved_) saved_->add(scorers_[0].row(0));
        progress.detail(samples_[0].running_values());
        progress.advance();
    }
    if (saved_) saved_->commit();
    progress.finish();
    seconds_ = std::chrono::duration<double>(Clock::now() - start_).count();
}

void Pass::score(size_t model, uint32_t chunk, std::span<const int32_t> ids) {
    const uint32_t first = chunks_.first_scored();
    std::vector<TokenScore> scores(per_chunk());
    default_pool().parallel_for(scores.size(), 4, [&](size_t begin, size_t end, unsigned worker) {
        for (size_t i = begin; i < end; i++) {
            const int32_t right = ids[first + 1 + i];
            scores[i] = score_token(scorers_[model].row(i), base_->row(i, right, worker), vocabulary_, right);
        }
    });
    check_finite(model, chunk, scores);
    for (const TokenScore &s : scores) samples_[model].add(s);
}

void Pass::check_finite(size_t model, uint32_t chunk, const std::vector<TokenScore> &scores) const {
    for (size_t i = 0; i < scores.size(); i++) {
        const TokenScore &s = scores[i];
        const bool good = std::isfinite(s.log_probability) &&
                          (!has_base_ || (std::isfinite(s.divergence) && std::isfinite(s.base_log_probability)));
        if (!good)
            fail(QUANT_ERR_MODEL, "{}: the logits at position {} of chunk {}, or those of its base, are not finite",
                 scorers_[model].name(), chunks_.first_scored() + i, chunk);
    }
}

quant_eval_result Pass::result(size_t model) const {
    quant_eval_result r{};
    r.size = sizeof r;
    r.context_length = chunks_.context;
    r.chunks = chunks_.count;
    r.activations = options_.activations;
    samples_[model].fill(r);
    if (options_.text) {
        const std::string digest = sha256_hex({options_.text, options_.text_bytes});
        std::memcpy(r.text_sha256, digest.c_str(), sizeof r.text_sha256);
    }
    r.seconds = seconds_;
    return r;
}

} // namespace

void check_same_vocabulary(const Model &model, const Model &base) {
    const TokenizerSpec &a = model.tokenizer().spec(), &b = base.tokenizer().spec();
    const std::string &name = model.file().metadata().name(), &other = base.file().metadata().name();
    if (a.tokens.size() != b.tokens.size())
        fail(QUANT_ERR_ARGUMENT, "{} has {} tokens and {} has {}: they cannot be compared", name, a.tokens.size(),
             other, b.tokens.size());
    const auto [x, y] = std::mismatch(a.tokens.begin(), a.tokens.end(), b.tokens.begin());
    if (x != a.tokens.end())
        fail(QUANT_ERR_ARGUMENT, "{} and {} differ in token {} (\"{}\", \"{}\"): they cannot be compared", name, other,
             x - a.tokens.begin(), printable(*x), printable(*y));
}

quant_eval_result evaluate(std::shared_ptr<const Model> model, std::shared_ptr<const Model> base,
                           const quant_eval_options &options, const AdapterSet &adapters) {
    Pass pass({std::move(model)}, base, options, adapters);
    pass.run();
    return pass.result(0);
}

Compared compare(std::shared_ptr<const Model> model, std::shared_ptr<const Model> against,
                 std::shared_ptr<const Model> base, const quant_eval_options &options, const AdapterSet &adapters) {
    Pass pass({std::move(model), std::move(against)}, base, options, adapters);
    pass.run();
    Compared out{pass.result(0), pass.result(1), compare_samples(pass.samples(0), pass.samples(1), pass.per_chunk())};
    out.comparison.chunks = pass.chunk_count();
    return out;
}

} // namespace quant
