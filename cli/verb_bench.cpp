// quantctl bench: how fast a model reads a prompt and generates here and now, and what share
// of the machine's limits that is.
#include "encoding_names.h"
#include "failure.h"
#include "json_fields.h"
#include "kv_types.h"
#include "model_choice.h"
#include "model_opening.h"
#include "numbers.h"
#include "output.h"
#include "timing.h"
#include "verb.h"

#include <chrono>

namespace quantctl {

namespace {

constexpr uint32_t usual_prompt = 256;

struct BenchOptions {
    std::string model;
    OpenChoice open;
    quant_bench_options bench = initialized(quant_bench_options_init);
    std::vector<uint32_t> prompts{usual_prompt}, sequences{1};
    bool as_json = false;

    /// What the catalog records is one sequence after one prompt, with the usual keys and values.
    bool usual() const {
        const auto defaults = initialized(quant_bench_options_init);
        return prompts.size() == 1 && sequences == std::vector<uint32_t>{1} && bench.key_type == defaults.key_type &&
               bench.value_type == defaults.value_type;
    }
};

/// What this machine does at most.
struct Limits {
    double read = 0, multiply = 0; ///< Bytes, and products of bytes, a second; the latter 0 where unknown.
};

Limits machine_limits() {
    StringHandle text;
    check(quant_machine_describe(Out(text)));
    const json::object machine = parse_document(text.get());
    return {number_of(member(machine, "read_bytes_per_second")), number_of(member(machine, "byte_products_per_second"))};
}

struct Load {
    ModelHandle model;
    double open_seconds = 0; ///< Of opening alone.
    double seconds = 0;      ///< From before opening until the first token's logits are there.
};

Load load(const std::string &path, const OpenChoice &choice, const quant_bench_options &bench) {
    const auto start = std::chrono::steady_clock::now();
    const auto since_start = [&] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count(); };
    Load out{open_model(path, choice)};
    out.open_seconds = since_start();
    auto options = initialized(quant_session_options_init);
    options.key_type = bench.key_type, options.value_type = bench.value_type;
    SessionHandle session;
    check(quant_session_new(Out(session), out.model.get(), &options));
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(out.model.get(), &info));
    std::vector<float> logits(info.vocabulary_size);
    const int32_t first = 0;
    check(quant_session_run(session.get(), &first, 1, nullptr, logits.data()));
    out.seconds = since_start();
    return out;
}

struct Timing {
    uint32_t sequences;
    quant_bench_result result;

    double read_rate() const { // Weights are read once for all sequences.
        return result.decode_per_second / sequences * result.decode_bytes_per_token;
    }
    double multiply_rate() const { return result.prefill_per_second * result.products_per_token; }
};

std::string rate(double median, double low, double high) {
    return fmt::format("{} ({} to {})", fixed_or_dash(median, 1), fixed_or_dash(low, 1), fixed_or_dash(high, 1));
}

std::string percent(double part, double whole) { return whole > 0 ? fixed_or_dash(100 * part / whole, 0) + " %" : "-"; }

void print_timings(const std::vector<Timing> &timings, const Limits &limits) {
    Table table({{"PROMPT", Table::right}, {"TOK/S", Table::left}, {"OF PEAK", Table::right}, {"GENERATED", Table::right},
                 {"TOK/S", Table::left}, {"GB/S", Table::right}, {"OF LIMIT", Table::right}}, 2);
    for (const Timing &t : timings) {
        const quant_bench_result &r = t.result;
        const std::string each = t.sequences == 1 ? "" : fmt::format("{} x ", t.sequences);
        table.add({std::to_string(r.prompt_tokens), rate(r.prefill_per_second, r.prefill_low, r.prefill_high),
                   percent(t.multiply_rate(), limits.multiply), each + std::to_string(r.decode_tokens),
                   rate(r.decode_per_second, r.decode_low, r.decode_high), fixed_or_dash(t.read_rate() * 1e-9, 1),
                   percent(t.read_rate(), limits.read)});
    }
    table.print();
    print("  The limits: this machine streams {} GB/s", fixed_or_dash(limits.read * 1e-9, 1));
    if (limits.multiply > 0) print(" and multiplies {} G pairs of bytes a second", fixed_or_dash(limits.multiply * 1e-9, 0));
    print(".\n");
}

json::object timing_json(const Timing &t) {
    const quant_bench_result &r = t.result;
    return {{"prompt_tokens", r.prompt_tokens},
            {"sequences", t.sequences},
            {"decode_tokens", r.decode_tokens},
            {"prefill_per_second", number_or_null(r.prefill_per_second)},
            {"prefill_low", number_or_null(r.prefill_low)},
            {"prefill_high", number_or_null(r.prefill_high)},
            {"prefill_products_per_second", number_or_null(t.multiply_rate())},
            {"decode_per_second", number_or_null(r.decode_per_second)},
            {"decode_low", number_or_null(r.decode_low)},
            {"decode_high", number_or_null(r.decode_high)},
            {"decode_read_bytes_per_second", number_or_null(t.read_rate())}};
}

// Members of the first timing stand at the top as well.
json::object result_json(const std::vector<Timing> &timings, const Limits &limits, const ModelChoice &model,
                         const BenchOptions &options, const Load &load, bool recorded) {
    json::object out{{"schema_version", schema_version},
                     {"model", model.title()},
                     {"path", model.path},
                     {"threads", timings[0].result.threads},
                     {"tier", std::string(timings[0].result.tier)},
                     {"key_type", encoding_name(options.bench.key_type)},
                     {"value_type", encoding_name(options.bench.value_type)},
                     {"open_seconds", number_or_null(load.open_seconds)},
                     {"load_seconds", number_or_null(load.seconds)},
                     {"read_limit_bytes_per_second", number_or_null(limits.read)},
                     {"multiply_limit_per_second", limits.multiply > 0 ? json::value(limits.multiply) : nullptr},
                     {"recorded", recorded}};
    for (const auto &field : timing_json(timings[0])) out[field.key()] = field.value();
    json::array all;
    for (const Timing &t : timings) all.push_back(timing_json(t));
    out["timings"] = std::move(all);
    return out;
}

void bench(const BenchOptions &options) {
    const RecordedChoice chosen = choose_recorded(options.model);
    const Load loaded = load(chosen.model.path, options.open, options.bench);
    std::vector<Timing> timings;
    for (const uint32_t prompt : options.prompts)
        for (const uint32_t sequences : options.sequences) {
            quant_bench_options request = options.bench;
            request.prompt_tokens = prompt;
            request.sequences = sequences;
            timings.push_back({sequences, timed(loaded.model.get(), request)});
        }
    const bool known = chosen.catalog && !chosen.model.name.empty(), recorded = known && options.usual();
    if (recorded)
        check(quant_catalog_record_bench(chosen.catalog.get(), chosen.model.name.c_str(), &timings[0].result));
    const Limits limits = machine_limits();
    if (options.as_json)
        return print_json(result_json(timings, limits, chosen.model, options, loaded, recorded));
    print("{}, {} threads, {}; the first token after {} s\n", bold(harmless(chosen.model.title())),
          timings[0].result.threads, harmless(timings[0].result.tier), fixed_or_dash(loaded.seconds, 2));
    print_timings(timings, limits);
    if (recorded || !chosen.catalog) return;
    if (known) return note("Not recorded: the catalog keeps one sequence after one prompt, with keys and values in F16.");
    note("Not recorded: {} is not in the catalog (quantctl import).", options.model);
}

void add_counts(CLI::App &app, const std::string &name, std::vector<uint32_t> &values, uint32_t high,
                const std::string &description) {
    app.add_option_function<std::string>(
           name, [&values, name, high](const std::string &text) { values = parse_counts(name, text, 1, high); }, description)
        ->type_name("N[,N...]");
}

} // namespace

Action add_bench(CLI::App &app) {
    auto o = std::make_shared<BenchOptions>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    add_counts(app, "--prompt-tokens", o->prompts, std::numeric_limits<uint32_t>::max(),
               "Tokens to read, which generating then stands behind (256)");
    add_count(app, "--decode-tokens", o->bench.decode_tokens, 1, "Tokens to generate (32)");
    add_counts(app, "--sequences", o->sequences, 1024, "Sequences that generate at once (1)");
    add_kv_types(app, o->bench.key_type, o->bench.value_type, "F16");
    add_count(app, "--rounds", o->bench.rounds, 1, "Rounds, of which medians are given (3)");
    add_open_options(app, o->open);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { bench(*o); };
}

} // namespace quantctl
