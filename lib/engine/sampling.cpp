#include "engine/sampling.h"

#include "base/error.h"

#include <span>

namespace quant {

namespace {

/// What is no number is outside of any range.
void within(const char *name, float value, float low, float high) {
    if (!(value >= low && value <= high))
        fail(QUANT_ERR_ARGUMENT, "{} is {}; expected {} to {}", name, value, low, high);
}

void over_zero(const char *name, float value, float high) {
    if (!(value > 0 && value <= high)) fail(QUANT_ERR_ARGUMENT, "{} is {}; expected over 0, to {}", name, value, high);
}

void check_biases(std::span<const quant_logit_bias> biases, size_t vocabulary) {
    for (const quant_logit_bias &b : biases) {
        if (b.token < 0 || static_cast<size_t>(b.token) >= vocabulary)
            fail(QUANT_ERR_ARGUMENT, "logit_bias of token {}: expected a token of the vocabulary of {}", b.token,
                 vocabulary);
        if (!(b.bias >= -100 && b.bias <= 100))
            fail(QUANT_ERR_ARGUMENT, "logit_bias of token {} is {}; expected -100 to 100", b.token, b.bias);
    }
}

} // namespace

quant_sampling default_sampling() {
    quant_sampling s{};
    s.size = sizeof s;
    s.temperature = 0.8f;
    s.top_k = 40;
    s.top_p = 0.95f;
    s.min_p = 0.05f;
    s.repeat_penalty = 1;
    s.repeat_last_n = 64;
    s.typical_p = 1;
    s.penalize_prompt = 1;
    s.mirostat_tau = 5;
    s.mirostat_eta = 0.1f;
    return s;
}

void check_sampling(const quant_sampling &s, size_t vocabulary) {
    within("temperature", s.temperature, 0, 100);
    over_zero("top_p", s.top_p, 1);
    within("min_p", s.min_p, 0, 1);
    over_zero("repeat_penalty", s.repeat_penalty, 100);
    over_zero("typical_p", s.typical_p, 1);
    within("presence_penalty", s.presence_penalty, -2, 2);
    within("frequency_penalty", s.frequency_penalty, -2, 2);
    if (s.mirostat > 2) fail(QUANT_ERR_ARGUMENT, "mirostat is {}; expected 0, 1 or 2", s.mirostat);
    over_zero("mirostat_tau", s.mirostat_tau, 100);
    within("mirostat_eta", s.mirostat_eta, 0, 1);
    if (s.logit_bias_count != 0 && !s.logit_bias)
        fail(QUANT_ERR_ARGUMENT, "logit_bias is NULL; expected {} tokens' biases", s.logit_bias_count);
    check_biases({s.logit_bias, s.logit_bias_count}, vocabulary);
}

} // namespace quant
