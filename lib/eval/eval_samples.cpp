#include "eval/eval_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace quant {

namespace {

constexpr double none = std::numeric_limits<double>::quiet_NaN();
constexpr double decisive = 2; // Standard errors.

std::vector<double> minus(const std::vector<double> &a, const std::vector<double> &b) {
    std::vector<double> out(a.size());
    std::transform(a.begin(), a.end(), b.begin(), out.begin(), std::minus<>());
    return out;
}

// Tokens of a chunk hang together, so the larger of both errors is believed.
quant_verdict judge(double difference, double se, double chunk_se) {
    const double error = chunk_se > se ? chunk_se : se;
    if (!(std::fabs(difference) > decisive * error)) return QUANT_VERDICT_UNDECIDED;
    return difference < 0 ? QUANT_VERDICT_MODEL : QUANT_VERDICT_AGAINST;
}

struct Paired {
    double mean, se, chunk_se;
};

Paired paired(const std::vector<double> &differences, uint32_t per_chunk) {
    const Estimate tokens = estimate(differences), chunks = estimate(block_means(differences, per_chunk));
    return {tokens.mean, tokens.standard_error, chunks.standard_error};
}

// Of mean(a) / mean(b), to first order: the error of mean(a - ratio * b) / mean(b).
Estimate ratio_of_means(const std::vector<double> &a, const std::vector<double> &b, uint32_t per_chunk) {
    const double below = estimate(b).mean, ratio = estimate(a).mean / below;
    std::vector<double> rest(a.size());
    for (size_t i = 0; i < a.size(); i++) rest[i] = a[i] - ratio * b[i];
    const Paired p = paired(rest, per_chunk);
    return {ratio, std::fmax(p.se, p.chunk_se) / below};
}

} // namespace

void EvalSamples::add(const TokenScore &s) {
    loss.push_back(-s.log_probability);
    if (std::isnan(s.divergence)) return;
    base_loss.push_back(-s.base_log_probability);
    difference.push_back(s.base_log_probability - s.log_probability);
    divergence.push_back(s.divergence);
    const double change = std::exp(s.log_probability) - std::exp(s.base_log_probability);
    probability_change.push_back(change);
    squared_change.push_back(change * change);
    same_top += s.same_top;
}

std::string EvalSamples::running_values() const {
    std::string text = fmt::format("PPL {:.3f}", std::exp(estimate(loss).mean));
    if (has_base()) text += fmt::format("  KLD {:.5f}", estimate(divergence).mean);
    return text;
}

void EvalSamples::fill(quant_eval_result &r) const {
    const Estimate own = estimate(loss), base = estimate(base_loss), ratio = estimate(difference);
    r.tokens = loss.size();
    r.ppl = std::exp(own.mean), r.ppl_se = r.ppl * own.standard_error;
    r.base_ppl = std::exp(base.mean), r.base_ppl_se = r.base_ppl * base.standard_error;
    r.ln_ratio = ratio.mean, r.ln_ratio_se = ratio.standard_error;
    const Estimate mean = estimate(divergence);
    r.kld_mean = mean.mean, r.kld_se = mean.standard_error;
    std::vector<double> sorted = divergence;
    std::sort(sorted.begin(), sorted.end());
    r.kld_median = quantile(sorted, 0.5);
    r.kld_p99 = quantile(sorted, 0.99);
    r.kld_p999 = quantile(sorted, 0.999);
    r.kld_max = quantile(sorted, 1);
    r.kld_median_se = quantile_error(sorted, 0.5);
    r.kld_p99_se = quantile_error(sorted, 0.99);
    r.kld_p999_se = quantile_error(sorted, 0.999);
    const Estimate top = share(same_top, divergence.size());
    r.top1 = top.mean, r.top1_se = top.standard_error;
    const Estimate change = estimate(probability_change), squares = estimate(squared_change);
    r.dp_mean = change.mean, r.dp_mean_se = change.standard_error;
    r.dp_rms = std::sqrt(squares.mean);
    r.dp_rms_se = squares.standard_error / (2 * r.dp_rms); // d sqrt(x) = dx / (2 sqrt(x)).
}

quant_comparison compare_samples(const EvalSamples &model, const EvalSamples &against, uint32_t per_chunk) {
    quant_comparison c{};
    c.size = sizeof c;
    c.tokens = model.loss.size();
    const Paired ppl = paired(minus(model.loss, against.loss), per_chunk);
    c.ln_ratio = ppl.mean, c.ln_ratio_se = ppl.se, c.ln_ratio_chunk_se = ppl.chunk_se;
    c.kld_difference = c.kld_difference_se = c.kld_difference_chunk_se = none;
    c.kld_ratio = c.kld_ratio_se = c.closer = c.farther = none;
    if (!model.has_base()) {
        c.verdict = judge(ppl.mean, ppl.se, ppl.chunk_se);
        return c;
    }
    const std::vector<double> differences = minus(model.divergence, against.divergence);
    const Paired kld = paired(differences, per_chunk);
    c.kld_difference = kld.mean, c.kld_difference_se = kld.se, c.kld_difference_chunk_se = kld.chunk_se;
    c.verdict = judge(kld.mean, kld.se, kld.chunk_se);
    const Estimate ratio = ratio_of_means(model.divergence, against.divergence, per_chunk);
    c.kld_ratio = ratio.mean, c.kld_ratio_se = ratio.standard_error;
    const auto count = [&](auto &&test) {
        return static_cast<uint64_t>(std::count_if(differences.begin(), differences.end(), test));
    };
    c.closer = share(count([](double d) { return d < 0; }), differences.size()).mean;
    c.farther = share(count([](double d) { return d > 0; }), differences.size()).mean;
    return c;
}

} // namespace quant
