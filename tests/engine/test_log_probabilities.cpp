#include "engine/log_probabilities.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <random>

using namespace quant;
using test::require_error;

namespace {

double log_of_sum(const std::vector<float> &logits) {
    double sum = 0;
    for (const float logit : logits)
        if (logit > -INFINITY) sum += std::exp(double{logit});
    return std::log(sum);
}

} // namespace

TEST_CASE("log-probabilities of halves and quarters") {
    const std::vector<float> logits = {std::log(0.25f), std::log(0.5f), std::log(0.125f), std::log(0.125f)};
    const LogProbabilities found = log_probabilities(logits, 2, 3);
    REQUIRE(found.chosen.id == 2);
    REQUIRE(found.chosen.log_probability == Approx(std::log(0.125)));
    REQUIRE(found.top.size() == 3);
    REQUIRE((found.top[0].id == 1 && found.top[1].id == 0 && found.top[2].id == 2));
    REQUIRE(found.top[0].log_probability == Approx(std::log(0.5)));
}

TEST_CASE("log-probabilities are those of a plain computation in double") {
    std::mt19937_64 random(11);
    std::normal_distribution<float> normal(0, 3);
    for (const size_t size : {1u, 7u, 1000u, 49152u}) {
        std::vector<float> logits(size);
        for (float &logit : logits) logit = normal(random);
        if (size > 500) logits[3] = NAN, logits[400] = -INFINITY; // Impossible ones, which change no other.
        const double sum = log_of_sum(logits);
        std::vector<size_t> order(size);
        std::iota(order.begin(), order.end(), 0);
        std::erase_if(order, [&](size_t i) { return !(logits[i] > -INFINITY); });
        std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return logits[a] > logits[b]; });
        const auto chosen = static_cast<int32_t>(size / 2);
        const LogProbabilities found = log_probabilities(logits, chosen, most_top_tokens);
        REQUIRE(found.chosen.log_probability == Approx(logits[size / 2] - sum).margin(1e-5));
        REQUIRE(found.top.size() == std::min(size, most_top_tokens));
        for (size_t i = 0; i < found.top.size(); i++) {
            REQUIRE(found.top[i].id == static_cast<int32_t>(order[i]));
            REQUIRE(found.top[i].log_probability == Approx(logits[order[i]] - sum).margin(1e-5));
        }
        if (size > 500) REQUIRE(log_probabilities(logits, 3, 0).chosen.log_probability == -INFINITY);
    }
}

TEST_CASE("log-probabilities that cannot be are refused") {
    const std::vector<float> logits = {1, 2, 3}, none = {-INFINITY, NAN};
    REQUIRE(log_probabilities(logits, 0, 0).top.empty());
    require_error(QUANT_ERR_ARGUMENT, {"3"}, [&] { log_probabilities(logits, 3, 0); });
    require_error(QUANT_ERR_ARGUMENT, {"-1"}, [&] { log_probabilities(logits, -1, 0); });
    require_error(QUANT_ERR_ARGUMENT, {"21", "20"}, [&] { log_probabilities(logits, 0, 21); });
    require_error(QUANT_ERR_ARGUMENT, {"finite"}, [&] { log_probabilities(none, 0, 1); });
}
