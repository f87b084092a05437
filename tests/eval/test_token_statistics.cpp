#include "eval/token_statistics.h"
#include "test_support.h"

#include <cmath>

using namespace quant;

TEST_CASE("mean and standard error of a small sample") {
    const std::vector<double> v = {1, 2, 3, 4};
    const Estimate e = estimate(v);
    REQUIRE(e.mean == 2.5);
    REQUIRE(e.standard_error == Approx(std::sqrt(5.0 / 3 / 4)));
    REQUIRE(std::isnan(estimate({}).mean));
    REQUIRE(std::isnan(estimate(std::vector<double>{1}).standard_error));
}

TEST_CASE("quantiles interpolate between neighbours") {
    const std::vector<double> v = {0, 1, 2, 3, 4};
    REQUIRE(quantile(v, 0) == 0);
    REQUIRE(quantile(v, 1) == 4);
    REQUIRE(quantile(v, 0.5) == 2);
    REQUIRE(quantile(v, 0.9) == Approx(3.6));
    // The median of n even steps from 0 to 1: its error is half of 1 / sqrt(n).
    std::vector<double> steps(10001);
    for (size_t i = 0; i < steps.size(); i++) steps[i] = static_cast<double>(i) / 10000;
    REQUIRE(quantile_error(steps, 0.5) == Approx(0.005).epsilon(0.01));
    REQUIRE(quantile_error(steps, 0.99) == Approx(std::sqrt(0.99 * 0.01 / 10001)).epsilon(0.01));
    REQUIRE(std::isnan(quantile_error(v, 0.99)));
    REQUIRE(std::isnan(quantile_error({}, 0.5)));
}

TEST_CASE("a token's score is its log-probability and its divergence") {
    const std::vector<float> p = {std::log(0.7f), std::log(0.2f), std::log(0.1f)};
    const std::vector<float> q = {std::log(0.2f) + 5, std::log(0.5f) + 5, std::log(0.3f) + 5}; // Shifts cancel.
    const TokenScore s = score_token(q.data(), {p.data()}, 3, 1);
    REQUIRE(s.log_probability == Approx(std::log(0.5)).epsilon(1e-5));
    REQUIRE(s.base_log_probability == Approx(std::log(0.2)).epsilon(1e-5));
    REQUIRE(s.divergence ==
            Approx(0.7 * std::log(0.7 / 0.2) + 0.2 * std::log(0.2 / 0.5) + 0.1 * std::log(0.1 / 0.3)).epsilon(1e-5));
    REQUIRE_FALSE(s.same_top);
    REQUIRE(score_token(p.data(), {p.data()}, 3, 0).divergence == Approx(0).margin(1e-7));
    REQUIRE(std::isnan(score_token(p.data(), {}, 3, 0).divergence));
}
