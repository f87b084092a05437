#include "eval/speed.h"

#include "base/error.h"
#include "base/progress.h"
#include "engine/session.h"
#include "kernel/ops.h"

#include <algorithm>
#include <chrono>
#include <cstring>

namespace quant {

namespace {

using Clock = std::chrono::steady_clock;

double per_second(uint32_t tokens, Clock::time_point start) {
    return tokens / std::chrono::duration<double>(Clock::now() - start).count();
}

struct Spread {
    double low, median, high;
};

Spread spread(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return {values.front(), values[values.size() / 2], values.back()};
}

// Ids that are valid in any vocabulary and do not repeat soon; what they say does
// not matter to the time.
std::vector<int32_t> made_up_tokens(uint32_t count, uint32_t vocabulary) {
    std::vector<int32_t> ids(count);
    for (uint32_t i = 0; i < count; i++) ids[i] = static_cast<int32_t>((uint64_t{i} * 7919 + 13) % vocabulary);
    return ids;
}

} // namespace

namespace {

constexpr uint32_t most_sequences = 1024;

// One round: the prompt once, whose keys and values all sequences then share, and what they generate.
class Round {
public:
    Round(const std::shared_ptr<const Model> &model, const quant_bench_options &options, uint32_t prompt_tokens, uint32_t decode_tokens)
        : prompt_(prompt_tokens), decode_(decode_tokens), vocabulary_(model->hyperparameters().vocabulary),
          ids_(made_up_tokens(prompt_ + decode_, vocabulary_)), logits_(size_t{options.sequences} * vocabulary_),
          first_(model, prompt_ + decode_, Activations::int8_of_many, {options.key_type, options.value_type}),
          others_(options.sequences - 1) {}

    void run() {
        first_.truncate(0);
        Clock::time_point start = Clock::now();
        first_.run(std::span(ids_).first(prompt_), 1, logits_.data());
        prefill = per_second(prompt_, start);
        std::vector<Session::Step> steps{{&first_, {}, 1, logits_.data()}};
        for (auto &other : others_) {
            other = std::make_unique<Session>(first_, prompt_);
            steps.push_back({other.get(), {}, 1, logits_.data() + steps.size() * vocabulary_});
        }
        start = Clock::now();
        for (uint32_t i = 0; i < decode_; i++) {
            for (Session::Step &step : steps) step.tokens = std::span(ids_).subspan(prompt_ + i, 1);
            Session::run(steps);
        }
        decode = per_second(decode_, start) * static_cast<double>(steps.size());
    }

    double prefill = 0, decode = 0; ///< Of the last run: tokens a second.

private:
    uint32_t prompt_, decode_, vocabulary_;
    std::vector<int32_t> ids_;
    std::vector<float> logits_;
    Session first_;
    std::vector<std::unique_ptr<Session>> others_;
};

} // namespace

quant_bench_result measure_speed(std::shared_ptr<const Model> model, const quant_bench_options &options) {
    if (options.rounds == 0 || options.prompt_tokens == 0 || options.decode_tokens == 0)
        fail(QUANT_ERR_ARGUMENT, "prompt tokens, decode tokens and rounds must each be at least 1");
    if (options.sequences == 0 || options.sequences > most_sequences)
        fail(QUANT_ERR_ARGUMENT, "{} sequences: expected 1 to {}", options.sequences, most_sequences);
    const uint32_t context = model->hyperparameters().context;
    if (context < 2) fail(QUANT_ERR_ARGUMENT, "the model's context of {} tokens is too short to time", context);
    quant_bench_result result{};
    result.size = sizeof result;
    result.prompt_tokens = std::min(options.prompt_tokens, context - 1);
    result.decode_tokens = std::min(options.decode_tokens, context - result.prompt_tokens);
    Round round(model, options, result.prompt_tokens, result.decode_tokens);
    std::vector<double> prefills, decodes;
    Progress progress(options.progress, options.user);
    progress.begin("timing", options.rounds + 1);
    // One round more than asked for: the first brings the weights into memory.
    for (uint32_t i = 0; i <= options.rounds; i++) {
        round.run();
        if (i > 0) prefills.push_back(round.prefill), decodes.push_back(round.decode);
        progress.advance();
    }
    progress.finish();
    const Spread p = spread(prefills), d = spread(decodes);
    result.threads = default_pool().size();
    result.prefill_per_second = p.median, result.prefill_low = p.low, result.prefill_high = p.high;
    result.decode_per_second = d.median, result.decode_low = d.low, result.decode_high = d.high;
    std::strncpy(result.tier, std::string(active_tier()).c_str(), sizeof result.tier - 1);
    result.decode_bytes_per_token = model->bytes_per_token();
    result.products_per_token = model->products_per_token();
    return result;
}

} // namespace quant
