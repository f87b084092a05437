// Running multiple-choice tasks. What all choices of a task begin with is run once and
// stays in the cache; each choice continues from there, and is scored from there, so that
// all are conditioned on the same tokens also where a tokenizer merges over the boundary.
#include "base/error.h"
#include "base/progress.h"
#include "base/sha256.h"
#include "engine/session.h"
#include "eval/choice_tasks.h"
#include "eval/perplexity.h"
#include "eval/token_statistics.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <optional>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t piece_tokens = 256;

class ChoiceScorer {
public:
    ChoiceScorer(std::shared_ptr<const Model> model, uint32_t context, Activations activations)
        : session_(std::move(model), context, activations),
          vocabulary_(session_.model().hyperparameters().vocabulary) {}

    std::vector<double> log_likelihoods(const ChoiceTokens &tokens) {
        session_.truncate(0);
        first_.resize(vocabulary_);
        session_.run(std::span(tokens.choices[0]).first(tokens.shared), 1, first_.data());
        std::vector<double> out;
        for (const std::vector<int32_t> &ids : tokens.choices)
            out.push_back(continuation(std::span(ids).subspan(tokens.shared), tokens.shared));
        return out;
    }

private:
    // Long choices go in pieces, since each token has logits of the whole vocabulary.
    double continuation(std::span<const int32_t> ids, uint32_t shared) {
        session_.truncate(shared);
        double sum = score(first_.data(), ids.first(1));
        for (size_t at = 1; at < ids.size(); at += piece_tokens) {
            const size_t count = std::min(piece_tokens, ids.size() - at);
            rest_.resize(std::max(rest_.size(), count * vocabulary_));
            session_.run(ids.subspan(at - 1, count), count, rest_.data());
            sum += score(rest_.data(), ids.subspan(at, count));
        }
        if (!std::isfinite(sum))
            fail(QUANT_ERR_MODEL, "{}: the logits are not finite", session_.model().file().metadata().name());
        return sum;
    }

    // Of tokens of which each follows a row of logits.
    double score(const float *logits, std::span<const int32_t> ids) {
        log_probabilities_.resize(ids.size());
        default_pool().parallel_for(ids.size(), 1, [&](size_t begin, size_t end, unsigned) {
            for (size_t i = begin; i < end; i++)
                log_probabilities_[i] = score_token(logits + i * vocabulary_, {}, vocabulary_, ids[i]).log_probability;
        });
        double sum = 0;
        for (const double p : log_probabilities_) sum += p;
        return sum;
    }

    Session session_;
    uint32_t vocabulary_;
    std::vector<float> first_, rest_; ///< Logits of the last shared token, and of a piece of a choice.
    std::vector<double> log_probabilities_;
};

struct Tally {
    uint64_t right = 0, right_normalized = 0, base_right = 0, base_right_normalized = 0, same = 0, same_normalized = 0;
};

void fill(quant_task_result &r, const Tally &tally, uint64_t tasks, bool has_base) {
    const auto set = [&](double &value, double &error, uint64_t hits) {
        const Estimate e = share(hits, tasks);
        value = e.mean, error = e.standard_error;
    };
    set(r.accuracy, r.accuracy_se, tally.right);
    set(r.accuracy_norm, r.accuracy_norm_se, tally.right_normalized);
    if (!has_base) tasks = 0; // A share of nothing is NaN.
    set(r.base_accuracy, r.base_accuracy_se, tally.base_right);
    set(r.base_accuracy_norm, r.base_accuracy_norm_se, tally.base_right_normalized);
    set(r.agreement, r.agreement_se, tally.same);
    set(r.agreement_norm, r.agreement_norm_se, tally.same_normalized);
}

} // namespace

quant_task_result evaluate_tasks(std::shared_ptr<const Model> model, std::shared_ptr<const Model> base,
                                 const quant_task_options &options) {
    const Clock::time_point start = Clock::now();
    if (!options.text) fail(QUANT_ERR_ARGUMENT, "no tasks to evaluate on");
    if (base) check_same_vocabulary(*model, *base);
    const Activations activations = checked_activations(options.activations);
    const std::string_view text(options.text, options.text_bytes);
    const std::string name = options.name ? options.name : "the tasks";
    const std::vector<ChoiceTask> tasks = parse_choice_tasks(text, name);
    std::vector<ChoiceTokens> tokens;
    size_t context = 0;
    for (const ChoiceTask &task : tasks) {
        tokens.push_back(tokenize_choices(*model, task, name));
        for (const auto &ids : tokens.back().choices) context = std::max(context, ids.size());
    }
    if (base && base->hyperparameters().context < context)
        fail(QUANT_ERR_ARGUMENT, "a task of {} tokens is more than the context of {} of {}", context,
             base->hyperparameters().context, base->file().metadata().name());

    ChoiceScorer scorer(std::move(model), static_cast<uint32_t>(context), activations);
    std::optional<ChoiceScorer> base_scorer;
    if (base) base_scorer.emplace(base, static_cast<uint32_t>(context), activations);
    Tally tally;
    Progress progress(options.progress, options.user);
    progress.begin("answering", tasks.size());
    for (size_t i = 0; i < tasks.size(); i++) {
        const ChoicePick pick = pick_choice(tasks[i], scorer.log_likelihoods(tokens[i]));
        tally.right += pick.plain == tasks[i].answer;
        tally.right_normalized += pick.normalized == tasks[i].answer;
        if (base_scorer) {
            const ChoicePick other = pick_choice(tasks[i], base_scorer->log_likelihoods(tokens[i]));
            tally.base_right += other.plain == tasks[i].answer;
            tally.base_right_normalized += other.normalized == tasks[i].answer;
            tally.same += other.plain == pick.plain;
            tally.same_normalized += other.normalized == pick.normalized;
        }
        progress.detail(fmt::format("accuracy {:.1f} %", 100 * share(tally.right, i + 1).mean));
        progress.advance();
    }
    progress.finish();

    quant_task_result r{};
    r.size = sizeof r;
    r.tasks = tasks.size();
    r.activations = options.activations;
    fill(r, tally, tasks.size(), base != nullptr);
    const std::string digest = sha256_hex(text);
    std::memcpy(r.text_sha256, digest.c_str(), sizeof r.text_sha256);
    r.seconds = std::chrono::duration<double>(Clock::now() - start).count();
    return r;
}

} // namespace quant
