// quantctl eval: perplexity of a model, and its divergence from its base, in one
// pass; two variants against each other; multiple-choice tasks. Measurements are
// recorded where the catalog knows the models, and stamped into the file on request.
#include "eval_report.h"
#include "eval_subject.h"
#include "failure.h"
#include "kv_types.h"
#include "local_file.h"
#include "measurement.h"
#include "numbers.h"
#include "output.h"
#include "progress_bar.h"
#include "timing.h"
#include "verb.h"

#include <filesystem>

namespace quantctl {

namespace {

// A short timing, so that the list can show a speed beside the loss.
void record_speed(const EvalSubject &subject) {
    auto request = initialized(quant_bench_options_init);
    request.rounds = 1;
    const quant_bench_result speed = timed(subject.model.get(), request);
    check(quant_catalog_record_bench(subject.chosen.catalog.get(), subject.chosen.model.name.c_str(), &speed));
    print("  speed here      {}\n", speed_words(speed));
}

// The measurement goes into the model's own file, after it was printed: if that fails, it is not lost.
void stamp(const EvalSubject &subject, const EvalOptions &options, const quant_eval_result &result) {
    if (!options.stamp) return;
    flush_output();
    ProgressBar bar("stamping", "B");
    const quant_status status = quant_catalog_stamp(
        subject.chosen.catalog.get(), subject.chosen.model.path.c_str(), path_or_null(subject.base.path),
        subject.text_name.c_str(), &result, ProgressBar::report, &bar);
    bar.erase();
    check(status);
    note("Stamped into {}.", subject.chosen.model.path);
}

void explain(const EvalSubject &subject, const EvalOptions &options) {
    if (subject.text_is_foreign)
        note("The model brings no held-out text: measured on the one that ships with the library (--text FILE).");
    if (!subject.has_base())
        note("Perplexity alone, since there is no base to compare with (--base BASE).");
    if (!options.save_logits.empty()) note("The logits are in {}.", options.save_logits);
    // Without a catalog, a warning has told already.
    if (subject.recordable(subject.chosen.model) || !subject.chosen.catalog) return;
    if (!options.adapters.empty())
        return note("Nothing was recorded: the numbers are of the model with what was attached to it.");
    if (!subject.of_weights)
        return note("Nothing was recorded: what rounding keys and values costs is in these numbers, too.");
    if (!subject.base_logits.empty())
        return note("Nothing was recorded: a file of logits does not tell which base it is of.");
    const std::string &unknown = subject.chosen.model.name.empty() ? options.model : options.base;
    note("Nothing was recorded: {} is not in the catalog (quantctl import).", unknown);
}

void evaluate_one(const EvalSubject &subject, const EvalOptions &options) {
    const quant_eval_result result = measure(subject, options);
    const bool recorded = record_measurement(subject, subject.chosen.model, result);
    if (options.as_json) {
        json::object document = result_json(subject, options, result);
        document["recorded"] = recorded;
        print_json(document);
    } else {
        print_result(subject, result);
        flush_output();
        if (recorded && !options.no_bench) record_speed(subject);
    }
    stamp(subject, options, result);
    explain(subject, options);
}

void evaluate_two(const EvalSubject &subject, const EvalOptions &options) {
    ComparedResults results{sized<quant_eval_result>(), sized<quant_eval_result>(), sized<quant_comparison>()};
    with_eval_request(subject, options, [&](const quant_eval_options &request) {
        return quant_compare(subject.model.get(), subject.against_model.get(), subject.base_model.get(), &request,
                             &results.model, &results.against, &results.comparison);
    });
    const bool first = record_measurement(subject, subject.chosen.model, results.model);
    const bool second = record_measurement(subject, subject.against, results.against);
    if (options.as_json) {
        json::object document = comparison_json(subject, options, results);
        document["recorded"] = first && second;
        print_json(document);
    } else {
        print_comparison(subject, results);
    }
    stamp(subject, options, results.model);
    explain(subject, options);
}

void answer_tasks(const EvalSubject &subject, const EvalOptions &options) {
    const std::string text = read_file(subject.text_path);
    auto request = initialized(quant_task_options_init);
    request.text = text.data();
    request.text_bytes = text.size();
    request.name = subject.text_path.c_str();
    request.activations = activations_by_name().at(options.activations);
    ProgressBar bar("answering", "");
    request.progress = ProgressBar::report;
    request.user = &bar;
    auto result = sized<quant_task_result>();
    const quant_status status =
        quant_evaluate_tasks(subject.model.get(), subject.base_model.get(), &request, &result);
    bar.erase();
    check(status, status == QUANT_ERR_FORMAT
                      ? R"(A line is {"question": "...", "choices": ["...", "..."], "answer": 0}.)" : "");
    if (options.as_json) return print_json(tasks_json(subject, options, result));
    print_tasks(subject, result);
}

void evaluate(const EvalOptions &options) {
    const EvalSubject subject = choose_eval_subject(options);
    // Told before long work, which could not be stamped after it.
    if (options.stamp && !subject.chosen.catalog) usage_error("--stamp needs the catalog");
    if (options.stamp && std::filesystem::is_directory(subject.chosen.model.path))
        usage_error("{}: a folder cannot be stamped: expected a single GGUF file", subject.chosen.model.path);
    if (!options.tasks.empty()) return answer_tasks(subject, options);
    if (subject.has_against()) return evaluate_two(subject, options);
    evaluate_one(subject, options);
}

} // namespace

Action add_eval(CLI::App &app) {
    auto o = std::make_shared<EvalOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    auto *base = app.add_option("--base", o->base, "What to compare with (default: what the model was made from)");
    auto *against = app.add_option("--against", o->against, "Compare with this variant, token by token, too");
    auto *text = app.add_option("--text", o->text, "The text to measure on (default: held-out text beside the base)")
                     ->type_name("FILE");
    auto *chunks = add_count(app, "--chunks", o->chunks, 1, "At most so many chunks (default: all whole ones)");
    auto *context = add_count(app, "--ctx", o->context, 2,
                              "Tokens in a chunk (default: 512, or the model's context if shorter)");
    app.add_option("--activations", o->activations,
                   "Round activations before products with quantized weights: int8 (default) as other CPU runtimes "
                   "do, f32 not at all")
        ->check(CLI::IsMember(activations_by_name()));
    auto *kv_types = add_kv_types(app, o->key_type, o->value_type, "F32, which is also the base's; others are not recorded");
    auto *adapters = add_adapter_option(app, o->adapters, "Measure the model with this LoRA adapter, by SCALE (1); repeat "
                                                          "for more. Nothing is recorded");
    auto *base_logits = app.add_option("--base-logits", o->base_logits,
                                       "Compare with the logits in this file of llama-perplexity instead of a base")
                            ->type_name("FILE")->excludes(base);
    auto *save_logits = app.add_option("--save-logits", o->save_logits, "Write the model's logits as such a file")
                            ->type_name("FILE");
    auto *tasks = app.add_option("--tasks", o->tasks, "Answer multiple-choice tasks, a JSON object a line, instead")
                      ->type_name("FILE")->excludes(against)->excludes(text)->excludes(chunks)->excludes(context)
        ->excludes(base_logits)->excludes(save_logits)->excludes(kv_types)->excludes(adapters);
    app.add_flag("--stamp", o->stamp, "Write the result into the model's own GGUF file, too")
        ->excludes(base_logits)->excludes(tasks)->excludes(kv_types)->excludes(adapters);
    app.add_flag("--no-bench", o->no_bench, "Do not time the model afterwards")->excludes(against)->excludes(tasks);
    add_open_options(app, o->open);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { evaluate(*o); };
}

} // namespace quantctl
