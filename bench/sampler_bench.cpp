// What choosing a token costs: microseconds a token at the vocabularies of small and large models, for settings
// that people use. It should be nothing beside the forward pass.
//
//   sampler_bench [--rounds N]
//
// Time is that of the thread, so a busy machine disturbs little; the least of several batches counts. Logits look
// like a language model's: a few tokens share most of the probability, the rest are around the middle; "flat" ones,
// such as come at the beginning of a text, leave a good half to these.
#include "engine/log_probabilities.h"
#include "engine/sampler.h"

#include <fmt/format.h>
#include <time.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <functional>
#include <random>
#include <string_view>

using namespace quant;

namespace {

constexpr size_t rows = 8, batches = 7;

double thread_seconds() {
    timespec now{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

std::vector<std::vector<float>> language_like(size_t vocabulary, float top) {
    std::mt19937_64 random(5);
    std::normal_distribution<float> normal(0, 2.2f);
    std::vector<std::vector<float>> out(rows, std::vector<float>(vocabulary));
    for (auto &row : out) {
        for (float &logit : row) logit = normal(random);
        for (size_t i = 0; i < 30; i++)
            row[random() % vocabulary] = top - 2 * std::log(static_cast<float>(i) + 1) + 0.2f * normal(random);
    }
    return out;
}

/// The least of some batches, in microseconds for one.
double microseconds(size_t rounds, const std::function<void(size_t)> &once) {
    double best = 1e9;
    for (size_t batch = 0; batch < batches; batch++) {
        const double start = thread_seconds();
        for (size_t i = 0; i < rounds; i++) once(i);
        best = std::min(best, (thread_seconds() - start) / static_cast<double>(rounds));
    }
    return best * 1e6;
}

struct Setting {
    const char *name;
    std::function<void(quant_sampling &)> set;
    float top = 18;
};

void only_draw(quant_sampling &s) { s.temperature = 1, s.top_k = 0, s.top_p = 1, s.min_p = 0; }

const std::vector<Setting> settings = {
    {"greedy", [](quant_sampling &s) { s.temperature = 0; }},
    {"greedy, repeat_penalty", [](quant_sampling &s) { s.temperature = 0, s.repeat_penalty = 1.1f; }},
    {"defaults (top_k 40)", [](quant_sampling &) {}},
    {"top_k 40, repeat_penalty", [](quant_sampling &s) { s.repeat_penalty = 1.1f; }},
    {"top_k 0, top_p 0.9", [](quant_sampling &s) { only_draw(s), s.top_p = 0.9f; }},
    {"top_k 0, top_p 0.9, flat", [](quant_sampling &s) { only_draw(s), s.top_p = 0.9f; }, 14},
    {"top_k 0, min_p 0.05", [](quant_sampling &s) { only_draw(s), s.min_p = 0.05f; }},
    {"all tokens", only_draw},
    {"all tokens, flat", only_draw, 14},
    {"typical_p 0.9, top_k 40", [](quant_sampling &s) { s.typical_p = 0.9f; }},
    {"typical_p 0.9, top_k 0", [](quant_sampling &s) { only_draw(s), s.typical_p = 0.9f; }},
    {"mirostat 1", [](quant_sampling &s) { s.mirostat = 1; }},
    {"mirostat 2", [](quant_sampling &s) { s.mirostat = 2; }},
};

double choosing(const Setting &setting, size_t vocabulary, size_t rounds, TokenFilter allowed) {
    const auto logits = language_like(vocabulary, setting.top);
    std::vector<int32_t> recent(64);
    for (size_t i = 0; i < recent.size(); i++) recent[i] = static_cast<int32_t>(i * 37 % 48 * 911);
    quant_sampling s = default_sampling();
    s.seed = 1;
    setting.set(s);
    Sampler sampler(s);
    return microseconds(rounds, [&](size_t i) { sampler.choose(logits[i % rows], recent, allowed); });
}

/// One token of `spread` is allowed.
std::vector<uint64_t> filter_of(size_t vocabulary, size_t spread) {
    std::vector<uint64_t> out((vocabulary + 63) / 64);
    for (size_t id = 0; id < vocabulary; id += spread) out[id / 64] |= uint64_t{1} << id % 64;
    return out;
}

double log_probabilities_of(size_t vocabulary, size_t rounds) {
    const auto logits = language_like(vocabulary, 18);
    return microseconds(rounds, [&](size_t i) { log_probabilities(logits[i % rows], 17, most_top_tokens); });
}

void line(const char *name, const std::function<double(size_t vocabulary)> &measure) {
    fmt::print("{:<28}{:>10.1f}{:>10.1f}\n", name, measure(49152), measure(151936));
}

} // namespace

int main(int count, char **words) {
    size_t rounds = 200;
    for (int i = 1; i + 1 < count; i += 2)
        if (std::string_view(words[i]) == "--rounds") rounds = std::strtoull(words[i + 1], nullptr, 10);
    fmt::print("{:<28}{:>10}{:>10}\n", "us a token", 49152, 151936);
    for (const Setting &setting : settings)
        line(setting.name, [&](size_t v) { return choosing(setting, v, rounds, {}); });
    const Setting &defaults = settings[2];
    line("filter of every second", [&](size_t v) { return choosing(defaults, v, rounds, filter_of(v, 2)); });
    line("filter of every thousandth", [&](size_t v) { return choosing(defaults, v, rounds, filter_of(v, 1000)); });
    line("20 log-probabilities", [&](size_t v) { return log_probabilities_of(v, rounds); });
}
