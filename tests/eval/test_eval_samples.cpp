// The arithmetic of samples against values worked out by hand.
#include "eval/eval_samples.h"
#include "test_support.h"

#include <cmath>

using namespace quant;

namespace {

// Samples with these losses and divergences; what else belongs to them is of no interest.
EvalSamples samples(const std::vector<double> &loss, const std::vector<double> &divergence) {
    EvalSamples out;
    for (size_t i = 0; i < loss.size(); i++) {
        TokenScore s{-loss[i], NAN, NAN, false};
        if (!divergence.empty()) s.base_log_probability = -loss[i] + 0.5, s.divergence = divergence[i];
        out.add(s);
    }
    return out;
}

} // namespace

TEST_CASE("a share has a binomial error, and blocks have means") {
    REQUIRE(share(3, 4).mean == 0.75);
    REQUIRE(share(3, 4).standard_error == Approx(std::sqrt(0.75 * 0.25 / 3)));
    REQUIRE(std::isnan(share(0, 0).mean));
    REQUIRE(block_means(std::vector<double>{1, 3, 5, 7}, 2) == std::vector<double>{2, 6});
}

TEST_CASE("probability changes have errors, of the root mean square to first order") {
    EvalSamples s;
    s.add({std::log(0.5), std::log(0.4), 0.1, true});
    s.add({std::log(0.1), std::log(0.4), 0.3, false});
    quant_eval_result r{};
    s.fill(r);
    REQUIRE(r.dp_mean == Approx(-0.1));
    REQUIRE(r.dp_mean_se == Approx(0.2)); // Half of what lies between two values.
    REQUIRE(r.dp_rms == Approx(std::sqrt(0.05)));
    REQUIRE(r.dp_rms_se == Approx(0.04 / (2 * std::sqrt(0.05))));
    REQUIRE(r.kld_mean == Approx(0.2));
    REQUIRE(r.kld_median == Approx(0.2));
    REQUIRE(r.kld_max == 0.3);
    REQUIRE(r.top1 == 0.5);
    REQUIRE(r.ln_ratio == Approx((std::log(0.8) + std::log(4)) / 2));
}

TEST_CASE("paired differences have errors by token and by chunk") {
    const quant_comparison c =
        compare_samples(samples({1, 2, 3, 4}, {1, 2, 2, 3}), samples({1, 1, 1, 1}, {2, 2, 4, 4}), 2);
    REQUIRE(c.tokens == 4);
    REQUIRE(c.ln_ratio == 1.5); // 0, 1, 2, 3; chunks 0.5 and 2.5.
    REQUIRE(c.ln_ratio_se == Approx(std::sqrt(5.0 / 3 / 4)));
    REQUIRE(c.ln_ratio_chunk_se == Approx(1.0));
    REQUIRE(c.kld_difference == -1); // -1, 0, -2, -1; chunks -0.5 and -1.5.
    REQUIRE(c.kld_difference_se == Approx(std::sqrt(2.0 / 3 / 4)));
    REQUIRE(c.kld_difference_chunk_se == Approx(0.5));
    REQUIRE(c.kld_ratio == Approx(2.0 / 3));
    // model - 2/3 against: -1/3, 2/3, -2/3, 1/3; its mean is 0, chunks 1/6 and -1/6.
    REQUIRE(c.kld_ratio_se == Approx(std::sqrt(10.0 / 9 / 3 / 4) / 3));
    REQUIRE(c.closer == 0.75);
    REQUIRE(c.farther == 0);
    REQUIRE(c.verdict == QUANT_VERDICT_UNDECIDED); // -1 is just two errors of 0.5 by chunk.
}

TEST_CASE("the larger error decides, and without a base perplexity does") {
    // Errors by token alone would be decisive; the chunks contradict each other.
    std::vector<double> a, b;
    for (int i = 0; i < 40; i++) a.push_back(i < 20 ? 1.0 + 0.01 * (i % 2) : 3.0), b.push_back(1.5);
    const quant_comparison c = compare_samples(samples(a, a), samples(b, b), 20);
    REQUIRE(std::fabs(c.kld_difference) > 2 * c.kld_difference_se);
    REQUIRE(c.verdict == QUANT_VERDICT_UNDECIDED);
    const quant_comparison p = compare_samples(samples({2.0, 2.1, 2.2, 2.1}, {}), samples({1, 1, 1, 1}, {}), 2);
    REQUIRE(p.verdict == QUANT_VERDICT_AGAINST);
    REQUIRE(std::isnan(p.kld_difference));
    REQUIRE(std::isnan(p.closer));
    const quant_comparison one = compare_samples(samples({2}, {1}), samples({1}, {2}), 1);
    REQUIRE(one.verdict == QUANT_VERDICT_UNDECIDED); // Without an error, nothing can be told.
}
