// Plan, show the plan, carry it out, record the variant. What was written is taken away again if the user stops
// before it has been recorded.
#include "quantizing.h"

#include "calibration.h"
#include "encoding_names.h"
#include "failure.h"
#include "model_choice.h"
#include "model_opening.h"
#include "numbers.h"
#include "local_file.h"
#include "measurement.h"
#include "output.h"
#include "plan_search.h"
#include "progress_bar.h"

#include <filesystem>
#include <map>

namespace quantctl {

namespace {

namespace fs = std::filesystem;

// Chunks that a planned variant is measured on at once: enough to tell whether it keeps its promise.
constexpr uint32_t verification_chunks = 40;

// REGEX=TYPE cut at the last '=': an encoding's name has none, a pattern may.
struct Overrides {
    std::vector<std::pair<std::string, std::string>> texts;
    std::vector<quant_override> list;

    explicit Overrides(const std::vector<std::string> &words) {
        for (const std::string &word : words) {
            const size_t equals = word.rfind('=');
            if (equals == std::string::npos || equals == 0)
                usage_error("--tensor-type: expected REGEX=TYPE, such as ffn_down=Q6_K, found \"{}\"", word);
            parse_encoding(word.substr(equals + 1));
            texts.emplace_back(word.substr(0, equals), word.substr(equals + 1));
        }
        for (const auto &[pattern, encoding] : texts) list.push_back({pattern.c_str(), encoding.c_str()});
    }
};

// A text that was given is passed on in any case, so that one that would be ignored is refused.
bool uses_text(const QuantizeChoice &options) {
    const quant_method method = parse_method(options.method);
    const bool served_planning = options.target.given(); // Sensitivities were measured on it.
    const bool from_moments = method == QUANT_METHOD_FEEDBACK || method == QUANT_METHOD_BEST;
    return (!options.calibration.empty() && !served_planning) || (from_moments && options.moments.empty()) ||
           (method == QUANT_METHOD_IMPORTANCE && options.imatrix.empty());
}

PlanHandle make_plan(const std::string &path, const std::string &type, const QuantizeChoice &options) {
    const Overrides overrides(options.overrides);
    auto request = initialized(quant_quantize_options_init);
    if (options.plan_document.empty())
        request.type = type.c_str();
    else
        request.plan_json = options.plan_document.c_str();
    request.method = parse_method(options.method);
    request.overrides = overrides.list.data();
    request.override_count = overrides.list.size();
    if (!options.imatrix.empty()) request.importance_path = options.imatrix.c_str();
    if (!options.moments.empty()) request.moments_path = options.moments.c_str();
    const CalibrationText text = uses_text(options) ? read_calibration_text(options.calibration, options.model)
                                                    : CalibrationText{};
    if (!text.path.empty()) {
        request.calibration_text = text.bytes.data();
        request.calibration_bytes = text.bytes.size();
        request.calibration_tokens = options.calibration_tokens;
    }
    std::vector<quant_merge> adapters;
    for (const AdapterChoice &a : options.adapters) adapters.push_back({a.path.c_str(), a.scale});
    request.adapters = adapters.data(), request.adapter_count = adapters.size();
    request.keep_floats = options.keep_floats, request.exact = options.exact;
    PlanHandle plan;
    const quant_status made = quant_plan_new(Out(plan), path.c_str(), &request);
    check(made, options.exact && made == QUANT_ERR_ARGUMENT ? "To quantize it anew, with losses that add up: --allow-requantize" : "");
    return plan;
}

quant_plan_summary summary_of(const quant_plan *plan) {
    auto summary = sized<quant_plan_summary>();
    check(quant_plan_get_summary(plan, &summary));
    return summary;
}

template <class Use> void each_tensor(const quant_plan *plan, const quant_plan_summary &summary, Use use) {
    for (size_t i = 0; i < summary.tensors; i++) {
        auto tensor = sized<quant_plan_tensor>();
        check(quant_plan_get_tensor(plan, i, &tensor));
        use(tensor);
    }
}

// Every weight stays what it is.
bool loses_nothing(const quant_plan *plan, const quant_plan_summary &summary) {
    bool nothing = true;
    each_tensor(plan, summary, [&](const quant_plan_tensor &tensor) {
        nothing &= tensor.relaid || tensor.encoding == QUANT_F32 || encoding_name(tensor.encoding) == tensor.source_type;
    });
    return nothing;
}

void print_by_encoding(const quant_plan *plan, const quant_plan_summary &summary) {
    struct Sum {
        size_t tensors = 0;
        uint64_t weights = 0, bytes = 0;
    };
    std::map<std::string, Sum> sums;
    each_tensor(plan, summary, [&](const quant_plan_tensor &tensor) {
        uint64_t weights = 1;
        for (uint32_t i = 0; i < tensor.dims; i++) weights *= tensor.shape[i];
        Sum &sum = sums[encoding_name(tensor.encoding)];
        sum.tensors++, sum.weights += weights, sum.bytes += tensor.bytes;
    });
    Table table({{"ENCODING", Table::left}, {"TENSORS", Table::right}, {"WEIGHTS", Table::right},
                 {"BYTES", Table::right}}, 2);
    for (const auto &[name, sum] : sums)
        table.add({name, fmt::format("{}", sum.tensors), grouped(sum.weights), grouped(sum.bytes)});
    table.print();
}

void print_summary(const quant_plan *plan, const quant_plan_summary &summary, const std::string &title) {
    print("{} to {}\n", bold(harmless(title)), summary.type);
    const auto before = static_cast<double>(summary.source_bytes), after = static_cast<double>(summary.output_bytes);
    print("  size      {} -> {} ({:.0f} %), {:.2f} bits/weight\n", human_bytes(summary.source_bytes),
          human_bytes(summary.output_bytes), before > 0 ? 100 * after / before : 0, summary.bits_per_weight);
    if (summary.predicted_kld >= 0) print("  predicted mean KLD {}\n", fixed_or_dash(summary.predicted_kld, 6));
    print("  tensors   {}, {} weights\n", summary.tensors, human_count(static_cast<double>(summary.parameters)));
    if (summary.fallbacks != 0)
        print("  fallbacks {} tensors get another encoding, since their rows are no multiple of its block\n",
              summary.fallbacks);
    if (summary.relaid != 0) print("  laid out again, without a change: {} tensors\n", summary.relaid);
    if (loses_nothing(plan, summary)) print("  nothing is lost: every weight stays what it is\n");
}

json::array tensors_json(const quant_plan *plan, const quant_plan_summary &summary) {
    json::array list;
    each_tensor(plan, summary, [&](const quant_plan_tensor &tensor) {
        list.push_back({{"name", tensor.name},
                        {"source_name", tensor.source_name},
                        {"source_type", tensor.source_type},
                        {"shape", json::array(tensor.shape, tensor.shape + tensor.dims)},
                        {"encoding", encoding_name(tensor.encoding)},
                        {"fallback", tensor.fallback != 0},
                        {"relaid", tensor.relaid != 0},
                        {"method", method_name(tensor.method)},
                        {"bytes", tensor.bytes},
                        {"rmse", tensor.rmse < 0 ? json::value(nullptr) : number_or_null(tensor.rmse)},
                        {"relative", tensor.relative < 0 ? json::value(nullptr) : number_or_null(tensor.relative)}});
    });
    return list;
}

json::object plan_json(const quant_plan *plan, const ModelChoice &source, const QuantizeChoice &options, bool dry_run) {
    const quant_plan_summary summary = summary_of(plan);
    return {{"schema_version", schema_version},
            {"dry_run", dry_run},
            {"source", {{"name", source.name.empty() ? json::value(nullptr) : json::value(source.name)},
                        {"path", source.path},
                        {"bytes", summary.source_bytes}}},
            {"adapters", adapters_json(options.adapters)},
            {"type", summary.type},
            {"output_bytes", summary.output_bytes},
            {"bits_per_weight", summary.bits_per_weight},
            {"parameters", summary.parameters},
            {"fallbacks", summary.fallbacks},
            {"requantizes", summary.requantizes != 0},
            {"relaid", summary.relaid},
            {"predicted_kld", summary.predicted_kld < 0 ? json::value(nullptr) : json::value(summary.predicted_kld)},
            {"tensors", tensors_json(plan, summary)}};
}

void dry_run(const QuantizeChoice &options, const std::string &type) {
    const ModelChoice source = choose_without_recording(options.model);
    const PlanHandle plan = make_plan(source.path, type, options);
    const quant_plan_summary summary = summary_of(plan.get());
    if (summary.requantizes) warn("{} is itself quantized: the losses add up", options.model);
    if (options.as_json) return print_json(plan_json(plan.get(), source, options, true));
    print_summary(plan.get(), summary, options.model);
    print_by_encoding(plan.get(), summary);
    print("{} would have exactly {} bytes; nothing was written.\n", summary.makes_folder ? "The files of tensors" : "The file",
          grouped(summary.output_bytes));
}

// Where the variant goes. Only a plain file may be replaced, and never the source.
std::string output_path(const QuantizeChoice &options, quant_catalog *catalog, const ModelChoice &source,
                        const quant_plan_summary &summary) {
    const std::string type = summary.type;
    if (summary.makes_folder) {
        if (options.output.empty()) usage_error("{} is a folder: say where, with --output", type);
        if (is_path(options.output)) usage_error("{}: it is there already; a folder is never replaced", options.output);
        return options.output;
    }
    if (options.output.empty()) {
        StringHandle path;
        check(quant_catalog_output_path(catalog, options.model.c_str(), type.c_str(), Out(path)));
        return text_or_empty(path);
    }
    std::error_code error;
    const fs::file_status status = fs::status(options.output, error);
    if (fs::exists(status) && !fs::is_regular_file(status))
        usage_error("{}: expected the name of a file to write, found {}", options.output,
                    fs::is_directory(status) ? "a folder" : "something else");
    if (fs::equivalent(options.output, source.path, error))
        usage_error("{}: the output would replace its own source", options.output);
    return options.output;
}

std::string record(quant_catalog *catalog, const QuantizeChoice &options, const quant_plan *plan, const std::string &output,
                   bool is_new) {
    ProgressBar bar("recording", "B");
    StringHandle name;
    const quant_status status =
        options.name.empty()
            ? quant_catalog_add_variant(catalog, options.model.c_str(), plan, output.c_str(), ProgressBar::report, &bar,
                                        Out(name))
            : quant_catalog_add_named_variant(catalog, options.name.c_str(), options.model.c_str(), plan, output.c_str(),
                                              ProgressBar::report, &bar, Out(name));
    bar.erase();
    if (status == QUANT_OK) return text_or_empty(name);
    std::error_code ignored;
    if (status == QUANT_ERR_CANCELLED && is_new) fs::remove_all(output, ignored);
    const bool kept = is_path(output);
    check(status, kept ? fmt::format("The file is complete, but not in the catalog: quantctl import {}", output) : "");
    return {};
}

// A plan promises a divergence: measure what came out, on the model's own held-out text,
// and record it beside the promise.
quant_eval_result verify(const std::string &name, const QuantizeChoice &options, double predicted) {
    EvalOptions how;
    how.model = name;
    how.chunks = verification_chunks;
    const EvalSubject subject = choose_eval_subject(how);
    const quant_eval_result result = measure(subject, how);
    record_measurement(subject, subject.chosen.model, result);
    if (!options.as_json)
        print("  mean KLD  {} predicted, {} ± {} measured on {} tokens of {}\n", fixed_or_dash(predicted, 6),
              fixed_or_dash(result.kld_mean, 6), fixed_or_dash(result.kld_se, 6), grouped(result.tokens),
              harmless(subject.text_name));
    flush_output();
    if (const double most = static_cast<double>(options.target.max_kld); most > 0 && result.kld_mean > most)
        warn("a mean KLD of {} is more than the {} asked for: ask for {} to stay below it",
             fixed_or_dash(result.kld_mean, 6), fixed_or_dash(most, 6), fixed_or_dash(most * most / result.kld_mean, 6));
    return result;
}

// The type, which a plan document brings itself.
std::string type_of(QuantizeChoice &options, const std::string &path) {
    const TargetOptions &target = options.target;
    const int ways = !options.type.empty() + target.given() + !target.plan_file.empty();
    if (ways != 1) usage_error("quantize: expected a TYPE, a target (--target-size ...) or --plan FILE, and one of them only");
    if (target.plan_only && !target.given()) usage_error("--plan-only needs a target, such as --target-size 4.2G");
    if (is_checkpoint_type(options.type)) return options.type;
    if (!options.type.empty()) return parse_type_mix(options.type);
    if (!options.overrides.empty()) usage_error("--tensor-type does not go with a target or a plan");
    options.plan_document = target.given() ? search_plan(path, options.model, target, parse_method(options.method),
                                                         options.calibration)
                                           : read_file(target.plan_file);
    return {};
}

void show_plan_only(const QuantizeChoice &options) {
    const std::string file = options.output.empty() ? "plan.json" : options.output;
    OutputFile out(file);
    out.write(options.plan_document + "\n");
    out.commit();
    if (options.as_json) return put(options.plan_document + "\n");
    print_plan(options.plan_document, options.model);
    print("The plan is in {}\nCarry it out: quantctl quantize {} --plan {}\n", harmless(file), harmless(options.model),
          harmless(file));
}

} // namespace

void quantize(QuantizeChoice options) {
    parse_method(options.method);
    const Overrides checked(options.overrides);
    const ModelChoice source =
        is_path(options.model) ? ModelChoice{options.model, ""} : choose_without_recording(options.model);
    std::string type = type_of(options, source.path);
    if (options.target.plan_only) return show_plan_only(options);
    if (options.dry_run) return dry_run(options, type);
    const PlanHandle plan = make_plan(source.path, type, options);
    const quant_plan_summary summary = summary_of(plan.get());
    type = summary.type;
    if (summary.requantizes) warn("{} is itself quantized: the losses add up", options.model);
    const CatalogHandle catalog = open_catalog();
    const std::string output = output_path(options, catalog.get(), source, summary);
    if (!options.as_json) {
        print_summary(plan.get(), summary, options.model);
        flush_output();
    }
    const bool is_new = !is_path(output);
    // From here until it is recorded, Ctrl-C must find its way past the written file.
    const interrupt::Cooperative cooperative;
    {
        ProgressBar bar("quantizing", " weights");
        const quant_status status = quant_plan_run(plan.get(), output.c_str(), ProgressBar::report, &bar);
        bar.erase();
        if (status == QUANT_ERR_CANCELLED) throw Failure(interrupt::exit_code(), "interrupted; nothing was written");
        check(status);
    }
    const std::string name = record(catalog.get(), options, plan.get(), output, is_new);
    const bool promised = summary.predicted_kld >= 0 && !options.no_eval;
    if (!options.as_json) print("{} is in {}\n", bold(harmless(name)), harmless(output));
    flush_output();
    json::object measured;
    if (promised) {
        const quant_eval_result result = verify(name, options, summary.predicted_kld);
        measured = {{"kld_mean", number_or_null(result.kld_mean)}, {"kld_se", number_or_null(result.kld_se)},
                    {"tokens", result.tokens}};
    }
    if (options.as_json) {
        json::object document = plan_json(plan.get(), source, options, false);
        document["name"] = name;
        document["output"] = output;
        document["measured"] = promised ? json::value(measured) : json::value(nullptr);
        return print_json(document);
    }
    if (!promised) print("Measure it: quantctl eval {}\n", harmless(name));
}

std::string name_after(const std::string &output, const std::string &type) {
    std::string stem = fs::path(output).stem().string();
    for (const char separator : {'-', '.', '_'})
        if (const std::string end = separator + type; stem.size() > end.size() && stem.ends_with(end))
            stem.resize(stem.size() - end.size());
    for (char &c : stem)
        if (!std::isalnum(static_cast<unsigned char>(c)) && c != '.' && c != '_' && c != '-') c = '-';
    return stem;
}

void add_method_options(CLI::App &app, QuantizeChoice &o) {
    app.add_option("--method", o.method, "round, search (the default), importance, feedback or best")->type_name("M");
    app.add_option("--imatrix", o.imatrix, "Statistics of quantctl imatrix or llama-imatrix, for method importance")
        ->type_name("FILE");
    app.add_option("--moments", o.moments,
                   "Statistics of quantctl imatrix --format moments, for methods feedback and best instead of a text")
        ->type_name("FILE");
    app.add_option("--calibration", o.calibration,
                   "Text for methods importance, feedback and best (default: calibration.txt beside the model, else "
                   "the shipped one)")
        ->type_name("FILE");
    add_count(app, "--calibration-tokens", o.calibration_tokens, 1, "At most so many tokens of it (default: all)");
}

void add_plan_options(CLI::App &app, QuantizeChoice &o) {
    app.add_flag("--dry-run", o.dry_run, "Say what would become of each tensor; write nothing");
    app.add_option("--tensor-type", o.overrides, "Encoding for the tensors whose name matches; the first match wins")
        ->type_name("REGEX=TYPE")
        ->allow_extra_args(false);
}

} // namespace quantctl
