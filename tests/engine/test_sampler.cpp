#include "engine/sampler.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <random>
#include <set>

using namespace quant;
using test::require_error;

namespace {

quant_sampling with_seed(uint64_t seed) {
    quant_sampling s = default_sampling();
    s.seed = seed;
    return s;
}

std::map<int32_t, int> draw_many(const quant_sampling &sampling, const std::vector<float> &logits, int count) {
    Sampler sampler(sampling);
    std::map<int32_t, int> seen;
    for (int i = 0; i < count; i++) seen[sampler.choose(logits, {})]++;
    return seen;
}

/// Nothing but a draw at temperature 1.
quant_sampling everything(uint64_t seed) {
    quant_sampling s = with_seed(seed);
    s.temperature = 1, s.top_k = 0, s.top_p = 1, s.min_p = 0;
    return s;
}

/// What comes up at all.
std::set<int32_t> kept(const quant_sampling &sampling, const std::vector<float> &logits) {
    std::set<int32_t> out;
    for (const auto &[id, count] : draw_many(sampling, logits, 2000)) out.insert(id);
    return out;
}

/// top-k, top-p, min-p and a draw by their definitions, over all tokens sorted.
int32_t plain_choice(const quant_sampling &s, const std::vector<float> &logits, std::mt19937_64 &random) {
    std::vector<int32_t> order(logits.size());
    for (size_t i = 0; i < order.size(); i++) order[i] = static_cast<int32_t>(i);
    const auto logit = [&](int32_t id) { return double{logits[static_cast<size_t>(id)]}; };
    std::stable_sort(order.begin(), order.end(), [&](int32_t a, int32_t b) { return logit(a) > logit(b); });
    if (s.top_k != 0) order.resize(std::min<size_t>(s.top_k, order.size()));
    const auto weight = [&](int32_t id, double temperature) {
        return std::exp((logit(id) - logit(order[0])) / temperature);
    };
    double sum = 0, reached = 0;
    for (const int32_t id : order) sum += weight(id, 1);
    size_t keep = 0;
    while (keep < order.size() && reached < s.top_p * sum) reached += weight(order[keep++], 1);
    order.resize(keep);
    std::erase_if(order, [&](int32_t id) { return weight(id, 1) < s.min_p; });
    sum = 0;
    for (const int32_t id : order) sum += weight(id, s.temperature);
    double left = static_cast<double>(random() >> 11) * 0x1p-53 * sum;
    for (const int32_t id : order)
        if ((left -= weight(id, s.temperature)) < 0) return id;
    return order.back();
}

} // namespace

TEST_CASE("temperature 0 takes the likeliest") {
    quant_sampling s = with_seed(1);
    s.temperature = 0;
    Sampler sampler(s);
    REQUIRE(sampler.choose(std::vector<float>{1, 5, 3}, {}) == 1);
    REQUIRE(sampler.choose(std::vector<float>{NAN, -2, -1}, {}) == 2);
}

TEST_CASE("the same seed draws the same tokens") {
    const std::vector<float> logits = {1, 2, 3, 2.5f, 0};
    for (const uint64_t seed : {1u, 42u, 4000000000u}) {
        Sampler a(with_seed(seed)), b(with_seed(seed));
        for (int i = 0; i < 200; i++) REQUIRE(a.choose(logits, {}) == b.choose(logits, {}));
    }
    REQUIRE(Sampler(with_seed(0)).seed() != 0);
}

TEST_CASE("draws follow the probabilities") {
    const std::vector<double> p = {0.25, 0.2, 0.15, 0.15, 0.1, 0.08, 0.05, 0.02};
    std::vector<float> logits;
    for (const double v : p) logits.push_back(static_cast<float>(std::log(v)));
    const auto chi_square = [&](const quant_sampling &sampling, const std::vector<double> &expected) {
        constexpr int draws = 40000;
        auto seen = draw_many(sampling, logits, draws);
        double sum = 0;
        for (size_t i = 0; i < expected.size(); i++) {
            const double mean = expected[i] * draws, off = seen[static_cast<int32_t>(i)] - mean;
            sum += off * off / mean;
        }
        return sum;
    };
    // One in a thousand exceeds 24.3 with seven degrees of freedom.
    quant_sampling s = everything(7);
    REQUIRE(chi_square(s, p) < 24.3);
    std::vector<double> squares = p;
    double sum = 0;
    for (double &v : squares) sum += v *= v;
    for (double &v : squares) v /= sum;
    s.temperature = 0.5f;
    REQUIRE(chi_square(s, squares) < 24.3);
    REQUIRE(chi_square(s, p) > 1000); // It would show.
}

TEST_CASE("each filter keeps what it says") {
    const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
    const quant_sampling off = everything(3);
    quant_sampling s = off;
    REQUIRE(draw_many(s, logits, 2000).size() == 4);
    s = off, s.top_k = 2;
    REQUIRE(draw_many(s, logits, 2000).size() == 2);
    s = off, s.top_p = 0.7f;
    REQUIRE(draw_many(s, logits, 2000).size() == 2);
    s = off, s.top_p = 0.01f;
    REQUIRE(draw_many(s, logits, 2000).size() == 1);
    s = off, s.min_p = 0.2f;
    REQUIRE(draw_many(s, logits, 2000).size() == 3);
}

TEST_CASE("typical tokens are those that surprise as much as is expected") {
    // Entropy 1.142 nats; surprises 0.693, 1.204, 1.897 and 2.996 are off by 0.449, 0.062, 0.755 and 1.854.
    const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
    quant_sampling s = everything(3);
    s.typical_p = 0.2f;
    REQUIRE(kept(s, logits) == std::set<int32_t>{1});
    s.typical_p = 0.7f;
    REQUIRE(kept(s, logits) == std::set<int32_t>{0, 1});
    s.typical_p = 0.9f;
    REQUIRE(kept(s, logits) == std::set<int32_t>{0, 1, 2});
    // After top-k 3 the entropy is 0.993, and the order still 1, 0, 2; then top-p sees only 1 and 0.
    s.typical_p = 0.7f, s.top_k = 3, s.top_p = 0.6f;
    REQUIRE(kept(s, logits) == std::set<int32_t>{0});
}

TEST_CASE("steps see what the ones before have kept") {
    const std::vector<float> logits = {std::log(0.4f), std::log(0.3f), std::log(0.2f), std::log(0.1f)};
    quant_sampling s = everything(5);
    // Of all, 0.4 + 0.3 does not reach 0.75; of the first three it is 0.78.
    s.top_p = 0.75f;
    REQUIRE(kept(s, logits) == std::set<int32_t>{0, 1, 2});
    s.top_k = 3;
    REQUIRE(kept(s, logits) == std::set<int32_t>{0, 1});
    // Temperature comes last: it does not let top-p keep more.
    s.temperature = 50;
    REQUIRE(kept(s, logits) == std::set<int32_t>{0, 1});
    // A penalty comes first: what it lowers falls out.
    s.presence_penalty = 2;
    const std::vector<int32_t> recent = {0};
    Sampler sampler(s);
    for (int i = 0; i < 100; i++) REQUIRE(sampler.choose(logits, recent) != 0);
}

TEST_CASE("looking at the head of a vocabulary gives what all of it sorted does") {
    std::mt19937_64 random(17);
    std::normal_distribution<float> normal(0, 2.5f);
    std::vector<float> logits(20000);
    for (float &logit : logits) logit = normal(random);
    for (const uint32_t top_k : {0u, 1u, 40u, 150u, 3000u})
        for (const float top_p : {0.3f, 0.95f, 1.0f})
            for (const float min_p : {0.0f, 0.02f})
                for (const float temperature : {0.4f, 1.0f, 1.6f}) {
                    quant_sampling s = everything(top_k + 1);
                    s.top_k = top_k, s.top_p = top_p, s.min_p = min_p, s.temperature = temperature;
                    INFO("top_k " << top_k << " top_p " << top_p << " min_p " << min_p << " at " << temperature);
                    Sampler sampler(s);
                    std::mt19937_64 same(s.seed);
                    for (int i = 0; i < 3; i++) REQUIRE(sampler.choose(logits, {}) == plain_choice(s, logits, same));
                }
}

TEST_CASE("the repetition penalty lowers recent tokens, whatever their sign") {
    quant_sampling s = with_seed(1);
    s.temperature = 0, s.repeat_penalty = 2;
    const std::vector<int32_t> recent = {0};
    REQUIRE(Sampler(s).choose(std::vector<float>{3, 2}, recent) == 1);
    REQUIRE(Sampler(s).choose(std::vector<float>{-1, -1.5f}, recent) == 1);
    s.repeat_last_n = 1;
    const std::vector<int32_t> older = {0, 1};
    REQUIRE(Sampler(s).choose(std::vector<float>{3, 2.9f}, older) == 0);
}

TEST_CASE("only tokens that the filter allows are chosen, however unlikely") {
    std::vector<float> logits(1000);
    for (size_t i = 0; i < logits.size(); i++) logits[i] = -0.05f * static_cast<float>(i);
    std::vector<uint64_t> allowed(16);
    for (const size_t id : {700u, 701u, 999u}) allowed[id / 64] |= uint64_t{1} << id % 64;
    quant_sampling greedy = everything(2);
    greedy.temperature = 0;
    REQUIRE(Sampler(greedy).choose(logits, {}, allowed) == 700);
    REQUIRE(Sampler(greedy).choose(logits, {}) == 0);
    for (const uint32_t mirostat : {0u, 1u, 2u}) {
        quant_sampling s = everything(2);
        s.top_k = 40, s.typical_p = 0.99f, s.mirostat = mirostat;
        Sampler sampler(s);
        for (int i = 0; i < 200; i++) {
            const auto id = static_cast<size_t>(sampler.choose(logits, {}, allowed));
            REQUIRE((allowed[id / 64] >> id % 64 & 1) == 1);
        }
    }
}

TEST_CASE("where no token may come, that is said") {
    const std::vector<float> logits = {1, 2, 3};
    const std::vector<uint64_t> none = {~uint64_t{0} << 3}; // Beyond the vocabulary.
    for (const float temperature : {0.0f, 1.0f}) {
        quant_sampling s = everything(2);
        s.temperature = temperature;
        require_error(QUANT_ERR_ARGUMENT, {"no token", "3"}, [&] { Sampler(s).choose(logits, {}, none); });
        const quant_logit_bias biases[] = {{0, -100}, {1, -100}, {2, -100}};
        s.logit_bias = biases, s.logit_bias_count = 3;
        require_error(QUANT_ERR_ARGUMENT, {"no token"}, [&] { Sampler(s).choose(logits, {}); });
        s.logit_bias_count = 2;
        REQUIRE(Sampler(s).choose(logits, {}) == 2);
    }
}

TEST_CASE("infinite logits and those that are no numbers do no harm") {
    for (const uint32_t top_k : {0u, 2u}) {
        quant_sampling s = everything(4);
        s.top_k = top_k;
        for (int i = 0; i < 20; i++) {
            s.seed++;
            REQUIRE(Sampler(s).choose(std::vector<float>{0, INFINITY, 2}, {}) == 1);
            REQUIRE(Sampler(s).choose(std::vector<float>{NAN, -INFINITY, -200}, {}) == 2);
        }
        // So small a temperature that all others' weights are 0.
        s.temperature = 1e-30f;
        REQUIRE(Sampler(s).choose(std::vector<float>{1, 2, 3}, {}) == 2);
    }
}
