#include "engine/mirostat.h"
#include "engine/sampler.h"
#include "test_support.h"

#include <cmath>
#include <random>

using namespace quant;

namespace {

/// Probabilities that fall as rank^-exponent.
std::vector<float> zipf_logits(size_t count, double exponent) {
    std::vector<float> out(count);
    for (size_t i = 0; i < count; i++) out[i] = static_cast<float>(-exponent * std::log(static_cast<double>(i) + 1));
    return out;
}

std::vector<Candidate> candidates(const std::vector<float> &logits) {
    std::vector<Candidate> out;
    for (size_t i = 0; i < logits.size(); i++) out.push_back({static_cast<int32_t>(i), logits[i], 0});
    return out;
}

quant_sampling mirostat(uint32_t version, float tau, float temperature = 1) {
    quant_sampling s = default_sampling();
    s.mirostat = version, s.mirostat_tau = tau, s.temperature = temperature, s.seed = 9;
    return s;
}

/// Of the first `kept` of sorted logits: their sum at that temperature.
double sum_of(const std::vector<float> &logits, size_t kept, double temperature) {
    double sum = 0;
    for (size_t i = 0; i < kept; i++) sum += std::exp(logits[i] / temperature);
    return sum;
}

/// Follows a sampler from outside: what it may keep by the definition, and the mean surprise of what it drew.
double mean_surprise(uint32_t version, float tau, float temperature, const std::vector<float> &logits) {
    constexpr size_t draws = 4000, settled = 500;
    Sampler sampler(mirostat(version, tau, temperature));
    const double all = sum_of(logits, logits.size(), temperature);
    double mu = 2.0 * tau, surprise = 0;
    for (size_t i = 0; i < draws; i++) {
        const auto id = static_cast<size_t>(sampler.choose(logits, {}));
        size_t kept = 1;
        if (version == 1) {
            Mirostat same(mu / 2, 0); // It begins at twice its tau.
            kept = same.kept(candidates({logits.begin(), logits.begin() + 100}), temperature, logits.size());
        } else {
            while (kept < logits.size() && -std::log2(std::exp(logits[kept] / temperature) / all) <= mu) kept++;
        }
        REQUIRE(id <= kept); // The sampler's sums are of floats: one more may slip in.
        const double bits = -std::log2(std::exp(logits[id] / temperature) / sum_of(logits, kept, temperature));
        mu -= 0.1f * (bits - tau);
        if (i >= settled) surprise += bits;
    }
    return surprise / (draws - settled);
}

} // namespace

TEST_CASE("mirostat 1 keeps as many as the paper's formula says") {
    // s = 2, N = 1000, mu = 10: the root of 1024 / (1 - 1/1000) is 32.02.
    REQUIRE(Mirostat(5, 0.1f).kept(candidates(zipf_logits(100, 2)), 1, 1000) == 32);
    // s = 1, where it has a limit: 2^4 / ln 100 is 3.47.
    REQUIRE(Mirostat(2, 0.1f).kept(candidates(zipf_logits(100, 1)), 1, 100) == 3);
    // Temperature 2 halves s; s = 2 again.
    REQUIRE(Mirostat(5, 0.1f).kept(candidates(zipf_logits(100, 4)), 2, 1000) == 32);
    // Equal ones: all or one.
    REQUIRE(Mirostat(5, 0.1f).kept(candidates(zipf_logits(100, 0)), 1, 1000) == 1000);
    REQUIRE(Mirostat(2, 0.1f).kept(candidates(zipf_logits(100, 0)), 1, 1000) == 1);
    REQUIRE(Mirostat(5, 0.1f).kept(candidates({1.0f}), 1, 1000) == 1);
}

TEST_CASE("mirostat corrects itself by the surprise over tau") {
    Mirostat m(3, 0.5f);
    REQUIRE(m.most_bits() == 6);
    m.drawn(1.0 / 32); // Five bits: two too many.
    REQUIRE(m.most_bits() == Approx(5));
    m.drawn(1); // None: three too few.
    REQUIRE(m.most_bits() == Approx(6.5));
}

TEST_CASE("mirostat 2 drops what would surprise more, but not the likeliest") {
    // 1/2, 1/4, 1/8, 1/8 surprise by 1, 2, 3, 3 bits.
    const std::vector<float> logits = {0, std::log(0.5f), std::log(0.25f), std::log(0.25f)};
    quant_sampling s = mirostat(2, 1.25f);
    s.mirostat_eta = 0; // Stays at 2.5 bits.
    Sampler sampler(s);
    bool seen[4] = {};
    for (int i = 0; i < 500; i++) seen[sampler.choose(logits, {})] = true;
    REQUIRE((seen[0] && seen[1] && !seen[2] && !seen[3]));
    s.mirostat_tau = 0.25f; // Half a bit: less than any.
    Sampler least(s);
    for (int i = 0; i < 100; i++) REQUIRE(least.choose(logits, {}) == 0);
}

TEST_CASE("mirostat keeps to its definition, and the mean surprise comes to tau") {
    std::mt19937_64 random(4);
    std::vector<float> logits = zipf_logits(3000, 1.05);
    for (float &logit : logits) logit += static_cast<float>(random() % 1000) * 1e-4f;
    std::sort(logits.begin(), logits.end(), std::greater<>());
    for (const uint32_t version : {1u, 2u})
        for (const float tau : {2.0f, 3.5f, 5.0f})
            for (const float temperature : {1.0f, 0.8f}) {
                INFO("version " << version << " tau " << tau << " temperature " << temperature);
                REQUIRE(mean_surprise(version, tau, temperature, logits) == Approx(tau).margin(0.1));
            }
}

TEST_CASE("temperature 0 is greedy with mirostat, too") {
    REQUIRE(Sampler(mirostat(1, 5, 0)).choose(std::vector<float>{1, 3, 2}, {}) == 1);
    REQUIRE(Sampler(mirostat(2, 5, 0)).choose(std::vector<float>{1, 3, 2}, {}) == 1);
}
