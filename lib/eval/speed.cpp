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

quant_bench_result measure_speed(std::shared_ptr<const Model> model, const quant_bench_options &options) {
    if (options.rounds == 0 || options.prompt_tokens == 0 || options.decode_tokens == 0)
        fail(QUANT_ERR_ARGUMENT, "prompt tokens, decode tokens and rounds must each be at least 1");
    const uint32_t vocabulary = model->hyperparameters().vocabulary, context = model->hyperparameters().context;
    if (context < 2) fail(QUANT_ERR_ARGUMENT, "the model's context of {} tokens is too short to time", context);
    const uint32_t prompt = std::min(options.prompt_tokens, context - 1);
    const uint32_t decode = std::min(options.decode_tokens, context - prompt);
    const std::vector<int32_t> ids = made_up_tokens(prompt + decode, vocabulary);
    Session session(model, prompt + decode);
    std::vector<float> logits(vocabulary);
    std::vector<double> prefills, decodes;
    Progress progress(options.progress, options.user);
    progress.begin("timing", options.rounds + 1);
    // One round more than asked for: the first brings the weights into memory.
    for (uint32_t round = 0; round <= options.rounds; round++) {
        session.truncate(0);
        Clock::time_point start = Clock::now();
        session.run(std::span(ids).first(prompt), 1, logits.data());
        const double prefill_rate = per_second(prompt, start);
        start = Clock::now();
        for (uint32_t i = 0; i < decode; i++) session.run(std::span(ids).subspan(prompt + i, 1), 1, logits.data());
        if (round > 0) {
            prefills.push_back(prefill_rate);
            decodes.push_back(per_second(decode, start));
        }
        progress.advance();
    }
    progress.finish();
    const Spread p = spread(prefills), d = spread(decodes);
    quant_bench_result result{};
    result.size = sizeof result;
    result.threads = default_pool().size();
    result.prefill_per_second = p.median, result.prefill_low = p.low, result.prefill_high = p.high;
    result.decode_per_second = d.median, result.decode_low = d.low, result.decode_high = d.high;
    std::strncpy(result.tier, std::string(active_tier()).c_str(), sizeof result.tier - 1);
    result.decode_bytes_per_token = model->bytes_per_token();
    return result;
}

} // namespace quant
