// quantctl eval: perplexity of a model, and its divergence from its base, in one
// pass; recorded where the catalog knows both.
#include "failure.h"
#include "local_file.h"
#include "model_choice.h"
#include "numbers.h"
#include "output.h"
#include "progress_bar.h"
#include "timing.h"
#include "verb.h"

#include <cmath>
#include <filesystem>
#include <map>

namespace quantctl {

namespace {

struct Options {
    std::string model, base, text, activations = "int8";
    uint32_t chunks = 0, context = 0;
    bool as_json = false, no_bench = false;
};

const std::map<std::string, quant_activations> activations_by_name{{"f32", QUANT_ACTIVATIONS_F32},
                                                                   {"int8", QUANT_ACTIVATIONS_INT8}};

struct Subject {
    RecordedChoice chosen;
    ModelChoice base;          ///< An empty path: there is none.
    std::string text_path, text_name;
    bool text_is_foreign = false; ///< Neither the user's nor the model's own.
    ModelHandle model, base_model;

    bool has_base() const { return !base.path.empty(); }
    bool recordable() const {
        return chosen.catalog && !chosen.model.name.empty() && (!has_base() || !base.name.empty());
    }
};

void choose_base(Subject &subject, const Options &options) {
    quant_catalog *catalog = subject.chosen.catalog.get();
    if (!options.base.empty()) {
        subject.base = catalog ? choose_model(catalog, options.base) : ModelChoice{options.base, ""};
        return;
    }
    if (subject.chosen.model.name.empty()) return;
    StringHandle name;
    const quant_status status = quant_catalog_base(catalog, subject.chosen.model.name.c_str(), Out(name));
    if (status == QUANT_ERR_NOT_FOUND) return;
    check(status);
    subject.base = choose_model(catalog, text_or_empty(name));
}

void choose_text(Subject &subject, const Options &options) {
    subject.text_path = options.text;
    if (options.text.empty()) {
        if (!subject.chosen.catalog) usage_error("--text is needed where there is no catalog");
        StringHandle path;
        int32_t own = 0;
        check(quant_catalog_eval_text(subject.chosen.catalog.get(), subject.chosen.model.title().c_str(), Out(path),
                                      &own),
              "Give one with --text FILE.");
        subject.text_path = text_or_empty(path);
        subject.text_is_foreign = own == 0;
    }
    subject.text_name = std::filesystem::path(subject.text_path).filename().string();
}

quant_eval_result measure(const Subject &subject, const Options &options) {
    const std::string text = read_file(subject.text_path);
    auto request = initialized(quant_eval_options_init);
    request.text = text.data();
    request.text_bytes = text.size();
    request.context_length = options.context;
    request.chunks = options.chunks;
    request.activations = activations_by_name.at(options.activations);
    ProgressBar bar("evaluating", "");
    request.progress = ProgressBar::report;
    request.user = &bar;
    auto result = sized<quant_eval_result>();
    const quant_status status = quant_evaluate(subject.model.get(), subject.base_model.get(), &request, &result);
    bar.erase();
    check(status);
    return result;
}

std::string with_error(double value, double error, int decimals, double scale = 1) {
    return fixed_or_dash(value, decimals, scale) + " ± " + fixed_or_dash(error, decimals, scale);
}

void print_result(const Subject &subject, const quant_eval_result &r) {
    print("{}{}\n", bold(harmless(subject.chosen.model.title())),
          subject.has_base() ? " against " + harmless(subject.base.title()) : "");
    print("  text            {}: {} tokens scored, {} {} of {}, {:.1f} s\n", harmless(subject.text_name),
          grouped(r.tokens), r.chunks, r.chunks == 1 ? "chunk" : "chunks", r.context_length, r.seconds);
    print("  perplexity      {}\n", with_error(r.ppl, r.ppl_se, 4));
    if (!subject.has_base()) return;
    print("  of the base     {}\n", with_error(r.base_ppl, r.base_ppl_se, 4));
    print("  ln(PPL ratio)   {}\n", with_error(r.ln_ratio, r.ln_ratio_se, 6));
    print("  mean KLD        {}\n", with_error(r.kld_mean, r.kld_se, 6));
    print("  KLD             median {}, 99 % {}, 99.9 % {}, max {}\n", fixed_or_dash(r.kld_median, 6),
          fixed_or_dash(r.kld_p99, 6), fixed_or_dash(r.kld_p999, 6), fixed_or_dash(r.kld_max, 6));
    print("  same top token  {} %\n", with_error(r.top1, r.top1_se, 3, 100));
    print("  change of p     mean {} %, RMS {} %\n", fixed_or_dash(r.dp_mean, 3, 100), fixed_or_dash(r.dp_rms, 3, 100));
}

json::object result_json(const Subject &subject, const Options &options, const quant_eval_result &r,
                         bool recorded) {
    json::object document{{"schema_version", schema_version},
                          {"model", subject.chosen.model.title()},
                          {"base", subject.has_base() ? json::value(subject.base.title()) : json::value(nullptr)},
                          {"text", subject.text_path},
                          {"text_sha256", std::string(r.text_sha256)},
                          {"ctx", r.context_length},
                          {"chunks", r.chunks},
                          {"tokens", r.tokens},
                          {"activations", options.activations}};
    const std::pair<const char *, double> numbers[] = {
        {"ppl", r.ppl},           {"ppl_se", r.ppl_se},           {"base_ppl", r.base_ppl},
        {"base_ppl_se", r.base_ppl_se}, {"ln_ratio", r.ln_ratio}, {"ln_ratio_se", r.ln_ratio_se},
        {"kld_mean", r.kld_mean}, {"kld_se", r.kld_se},           {"kld_median", r.kld_median},
        {"kld_p99", r.kld_p99},   {"kld_p999", r.kld_p999},       {"kld_max", r.kld_max},
        {"top1", r.top1},         {"top1_se", r.top1_se},         {"dp_mean", r.dp_mean},
        {"dp_rms", r.dp_rms},     {"seconds", r.seconds}};
    for (const auto &[key, value] : numbers) document[key] = number_or_null(value);
    document["recorded"] = recorded;
    return document;
}

// A short timing, so that the list can show a speed beside the loss.
void record_speed(const Subject &subject) {
    auto request = initialized(quant_bench_options_init);
    request.rounds = 1;
    const quant_bench_result speed = timed(subject.model.get(), request);
    check(quant_catalog_record_bench(subject.chosen.catalog.get(), subject.chosen.model.name.c_str(), &speed));
    print("  speed here      {}\n", speed_words(speed));
}

void explain(const Subject &subject, const Options &options) {
    if (subject.text_is_foreign)
        note("The model brings no held-out text: measured on the one that ships with the library (--text FILE).");
    if (!subject.has_base())
        note("Perplexity alone, since there is no base to compare with (--base BASE).");
    // Without a catalog, a warning has told already.
    if (subject.recordable() || !subject.chosen.catalog) return;
    const std::string &unknown = subject.chosen.model.name.empty() ? options.model : options.base;
    note("Nothing was recorded: {} is not in the catalog (quantctl import).", unknown);
}

void evaluate(const Options &options) {
    Subject subject;
    subject.chosen = choose_recorded(options.model);
    choose_base(subject, options);
    choose_text(subject, options);
    subject.model = open_model(subject.chosen.model.path);
    if (subject.has_base()) subject.base_model = open_model(subject.base.path);
    const quant_eval_result result = measure(subject, options);
    if (subject.recordable())
        check(quant_catalog_record_eval(subject.chosen.catalog.get(), subject.chosen.model.name.c_str(),
                                        subject.has_base() ? subject.base.name.c_str() : nullptr,
                                        subject.text_name.c_str(), &result));
    if (options.as_json) {
        print_json(result_json(subject, options, result, subject.recordable()));
    } else {
        print_result(subject, result);
        flush_output();
        if (subject.recordable() && !options.no_bench) record_speed(subject);
    }
    explain(subject, options);
}

} // namespace

Action add_eval(CLI::App &app) {
    auto o = std::make_shared<Options>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    app.add_option("--base", o->base, "What to compare with (default: what the model was made from)");
    app.add_option("--text", o->text, "The text to measure on (default: held-out text beside the base)")
        ->type_name("FILE");
    add_count(app, "--chunks", o->chunks, 1, "At most so many chunks (default: all whole ones)");
    add_count(app, "--ctx", o->context, 2, "Tokens in a chunk (default: 512, or the model's context if shorter)");
    app.add_option("--activations", o->activations,
                   "Round activations before products with quantized weights: int8 (default) as other CPU runtimes "
                   "do, f32 not at all")
        ->check(CLI::IsMember(activations_by_name));
    app.add_flag("--no-bench", o->no_bench, "Do not time the model afterwards");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { evaluate(*o); };
}

} // namespace quantctl
