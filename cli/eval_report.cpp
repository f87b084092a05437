#include "eval_report.h"

#include "encoding_names.h"

#include <cmath>
#include <utility>

namespace quantctl {

namespace {

std::string with_error(double value, double error, int decimals, double scale = 1) {
    return fixed_or_dash(value, decimals, scale) + " ± " + fixed_or_dash(error, decimals, scale);
}

// "text.txt: 510 tokens scored, 2 chunks of 512, 1.3 s"
std::string scored_words(const EvalSubject &subject, const quant_eval_result &r) {
    return fmt::format("{}: {} tokens scored, {} {} of {}, {:.1f} s",
                       harmless(subject.text_name.empty() ? subject.base_logits : subject.text_name), grouped(r.tokens),
                       r.chunks, r.chunks == 1 ? "chunk" : "chunks", r.context_length, r.seconds);
}

json::value title_or_null(const std::string &title) {
    return title.empty() ? json::value(nullptr) : json::value(title);
}

json::object numbers_json(const quant_eval_result &r) {
    json::object document;
    const std::pair<const char *, double> numbers[] = {
        {"ppl", r.ppl},           {"ppl_se", r.ppl_se},           {"base_ppl", r.base_ppl},
        {"base_ppl_se", r.base_ppl_se}, {"ln_ratio", r.ln_ratio}, {"ln_ratio_se", r.ln_ratio_se},
        {"kld_mean", r.kld_mean}, {"kld_se", r.kld_se},           {"kld_median", r.kld_median},
        {"kld_p99", r.kld_p99},   {"kld_p999", r.kld_p999},       {"kld_max", r.kld_max},
        {"top1", r.top1},         {"top1_se", r.top1_se},         {"dp_mean", r.dp_mean},
        {"dp_mean_se", r.dp_mean_se}, {"dp_rms", r.dp_rms},       {"dp_rms_se", r.dp_rms_se},
        {"kld_median_se", r.kld_median_se}, {"kld_p99_se", r.kld_p99_se}, {"kld_p999_se", r.kld_p999_se}};
    for (const auto &[key, value] : numbers) document[key] = number_or_null(value);
    return document;
}

json::object heading_json(const EvalSubject &subject, const EvalOptions &options, const quant_eval_result &r) {
    return {{"schema_version", schema_version},
            {"model", subject.chosen.model.title()},
            {"adapters", adapters_json(options.adapters)},
            {"base", subject.has_base() ? json::value(subject.base_title()) : json::value(nullptr)},
            {"text", title_or_null(subject.text_path)},
            {"text_sha256", title_or_null(r.text_sha256)},
            {"ctx", r.context_length},
            {"chunks", r.chunks},
            {"tokens", r.tokens},
            {"activations", options.activations},
            {"key_type", encoding_name(options.key_type)},
            {"value_type", encoding_name(options.value_type)}};
}

// Who is better, in one sentence.
std::string verdict_words(const EvalSubject &subject, const quant_comparison &c) {
    const bool by_kld = std::isfinite(c.kld_difference);
    const double difference = by_kld ? c.kld_difference : c.ln_ratio;
    const double error = by_kld ? std::fmax(c.kld_difference_se, c.kld_difference_chunk_se)
                                : std::fmax(c.ln_ratio_se, c.ln_ratio_chunk_se);
    const char *measure = by_kld ? "mean KLD" : "ln(PPL)";
    const std::string a = harmless(subject.chosen.model.title()), b = harmless(subject.against.title());
    if (c.verdict == QUANT_VERDICT_UNDECIDED)
        return fmt::format("Which is better cannot be told from these tokens: the difference in {} is within two "
                           "standard errors.", measure);
    const bool first = c.verdict == QUANT_VERDICT_MODEL;
    const std::string size = by_kld ? fmt::format("its mean KLD is {:.1f} % lower",
                                                  100 * (1 - (first ? c.kld_ratio : 1 / c.kld_ratio)))
                                    : fmt::format("its perplexity is {:.2f} % lower",
                                                  100 * (1 - std::exp(-std::fabs(c.ln_ratio))));
    return fmt::format("{} is better than {}: {} ({:.1f} standard errors).", first ? a : b, first ? b : a, size,
                       std::fabs(difference) / error);
}

// A row of two results side by side.
struct ReportRow {
    const char *what;
    double quant_eval_result::*value;
    double quant_eval_result::*error; ///< nullptr: it has none.
    int decimals;
    double scale = 1;
    bool needs_base = true;

    std::string cell(const quant_eval_result &r) const {
        return error ? with_error(r.*value, r.*error, decimals, scale) : fixed_or_dash(r.*value, decimals, scale);
    }
};

using R = quant_eval_result;
constexpr ReportRow report_rows[] = {
    {"perplexity", &R::ppl, &R::ppl_se, 4, 1, false},
    {"ln(PPL ratio)", &R::ln_ratio, &R::ln_ratio_se, 6},
    {"mean KLD", &R::kld_mean, &R::kld_se, 6},
    {"KLD median", &R::kld_median, &R::kld_median_se, 6},
    {"KLD 99 %", &R::kld_p99, &R::kld_p99_se, 6},
    {"KLD 99.9 %", &R::kld_p999, &R::kld_p999_se, 6},
    {"KLD max", &R::kld_max, nullptr, 6},
    {"same top token, %", &R::top1, &R::top1_se, 3, 100},
    {"change of p, mean, %", &R::dp_mean, &R::dp_mean_se, 3, 100},
    {"change of p, RMS, %", &R::dp_rms, &R::dp_rms_se, 3, 100},
};

void print_paired(const EvalSubject &subject, const quant_comparison &c) {
    print("Paired differences, the first less the second (standard error by token; by chunk)\n");
    print("  ln(PPL)         {}; {}\n", with_error(c.ln_ratio, c.ln_ratio_se, 6),
          fixed_or_dash(c.ln_ratio_chunk_se, 6));
    if (!subject.has_base()) return;
    print("  mean KLD        {}; {}\n", with_error(c.kld_difference, c.kld_difference_se, 6),
          fixed_or_dash(c.kld_difference_chunk_se, 6));
    print("  ratio of KLDs   {}\n", with_error(c.kld_ratio, c.kld_ratio_se, 4));
    print("  first closer    on {} % of the tokens, farther on {} %\n", fixed_or_dash(c.closer, 2, 100),
          fixed_or_dash(c.farther, 2, 100));
}

} // namespace

void print_result(const EvalSubject &subject, const quant_eval_result &r) {
    print("{}{}\n", bold(harmless(subject.chosen.model.title())),
          subject.has_base() ? " against " + harmless(subject.base_title()) : "");
    print("  text            {}\n", scored_words(subject, r));
    print("  perplexity      {}\n", with_error(r.ppl, r.ppl_se, 4));
    if (!subject.has_base()) return;
    print("  of the base     {}\n", with_error(r.base_ppl, r.base_ppl_se, 4));
    print("  ln(PPL ratio)   {}\n", with_error(r.ln_ratio, r.ln_ratio_se, 6));
    print("  mean KLD        {}\n", with_error(r.kld_mean, r.kld_se, 6));
    print("  KLD median      {}\n", with_error(r.kld_median, r.kld_median_se, 6));
    print("  KLD 99 %        {}\n", with_error(r.kld_p99, r.kld_p99_se, 6));
    print("  KLD 99.9 %      {}, max {}\n", with_error(r.kld_p999, r.kld_p999_se, 6), fixed_or_dash(r.kld_max, 6));
    print("  same top token  {} %\n", with_error(r.top1, r.top1_se, 3, 100));
    print("  change of p     mean {} %, RMS {} %\n", with_error(r.dp_mean, r.dp_mean_se, 3, 100),
          with_error(r.dp_rms, r.dp_rms_se, 3, 100));
}

json::object result_json(const EvalSubject &subject, const EvalOptions &options, const quant_eval_result &r) {
    json::object document = heading_json(subject, options, r);
    for (const auto &member : numbers_json(r)) document.insert(member);
    document["seconds"] = number_or_null(r.seconds);
    return document;
}

void print_comparison(const EvalSubject &subject, const ComparedResults &results) {
    const quant_eval_result &a = results.model;
    const std::string first = harmless(subject.chosen.model.title()), second = harmless(subject.against.title());
    print("{} and {}{}\n", bold(first), bold(second),
          subject.has_base() ? " against " + harmless(subject.base_title()) : "");
    print("  text            {}\n", scored_words(subject, a));
    if (subject.has_base()) print("  of the base     {}\n", with_error(a.base_ppl, a.base_ppl_se, 4));
    Table table({{"", Table::left}, {first, Table::right}, {second, Table::right}}, 2);
    for (const ReportRow &row : report_rows)
        if (subject.has_base() || !row.needs_base)
            table.add({row.what, row.cell(results.model), row.cell(results.against)});
    table.print();
    print_paired(subject, results.comparison);
    print("{}\n", verdict_words(subject, results.comparison));
}

json::object comparison_json(const EvalSubject &subject, const EvalOptions &options, const ComparedResults &results) {
    const quant_comparison &c = results.comparison;
    json::object document = heading_json(subject, options, results.model);
    document["against"] = subject.against.title();
    document["model_result"] = numbers_json(results.model);
    document["against_result"] = numbers_json(results.against);
    static constexpr const char *verdicts[] = {"undecided", "model", "against"};
    json::object paired{{"verdict", verdicts[c.verdict]}, {"sentence", verdict_words(subject, c)}};
    const std::pair<const char *, double> numbers[] = {{"ln_ratio", c.ln_ratio},
                                                       {"ln_ratio_se", c.ln_ratio_se},
                                                       {"ln_ratio_chunk_se", c.ln_ratio_chunk_se},
                                                       {"kld_difference", c.kld_difference},
                                                       {"kld_difference_se", c.kld_difference_se},
                                                       {"kld_difference_chunk_se", c.kld_difference_chunk_se},
                                                       {"kld_ratio", c.kld_ratio},
                                                       {"kld_ratio_se", c.kld_ratio_se},
                                                       {"closer", c.closer},
                                                       {"farther", c.farther}};
    for (const auto &[key, value] : numbers) paired[key] = number_or_null(value);
    document["paired"] = std::move(paired);
    document["seconds"] = number_or_null(results.model.seconds);
    return document;
}

void print_tasks(const EvalSubject &subject, const quant_task_result &r) {
    print("{}{}\n", bold(harmless(subject.chosen.model.title())),
          subject.has_base() ? " against " + harmless(subject.base_title()) : "");
    print("  tasks           {}: {} answered, {:.1f} s\n", harmless(subject.text_name), grouped(r.tasks), r.seconds);
    print("  accuracy        {} %, normalized by length {} %\n", with_error(r.accuracy, r.accuracy_se, 2, 100),
          with_error(r.accuracy_norm, r.accuracy_norm_se, 2, 100));
    if (!subject.has_base()) return;
    print("  of the base     {} %, normalized by length {} %\n",
          with_error(r.base_accuracy, r.base_accuracy_se, 2, 100),
          with_error(r.base_accuracy_norm, r.base_accuracy_norm_se, 2, 100));
    print("  same choice     {} %, normalized by length {} %\n", with_error(r.agreement, r.agreement_se, 2, 100),
          with_error(r.agreement_norm, r.agreement_norm_se, 2, 100));
}

json::object tasks_json(const EvalSubject &subject, const EvalOptions &options, const quant_task_result &r) {
    json::object document{{"schema_version", schema_version},
                          {"model", subject.chosen.model.title()},
                          {"base", subject.has_base() ? json::value(subject.base_title()) : json::value(nullptr)},
                          {"tasks_file", subject.text_path},
                          {"tasks_sha256", std::string(r.text_sha256)},
                          {"tasks", r.tasks},
                          {"activations", options.activations}};
    const std::pair<const char *, double> numbers[] = {{"acc", r.accuracy},
                                                       {"acc_se", r.accuracy_se},
                                                       {"acc_norm", r.accuracy_norm},
                                                       {"acc_norm_se", r.accuracy_norm_se},
                                                       {"base_acc", r.base_accuracy},
                                                       {"base_acc_se", r.base_accuracy_se},
                                                       {"base_acc_norm", r.base_accuracy_norm},
                                                       {"base_acc_norm_se", r.base_accuracy_norm_se},
                                                       {"agreement", r.agreement},
                                                       {"agreement_se", r.agreement_se},
                                                       {"agreement_norm", r.agreement_norm},
                                                       {"agreement_norm_se", r.agreement_norm_se},
                                                       {"seconds", r.seconds}};
    for (const auto &[key, value] : numbers) document[key] = number_or_null(value);
    return document;
}

} // namespace quantctl
