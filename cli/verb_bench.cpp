// quantctl bench: how fast a model reads a prompt and generates here and now.
#include "failure.h"
#include "json_fields.h"
#include "model_choice.h"
#include "numbers.h"
#include "output.h"
#include "timing.h"
#include "verb.h"

namespace quantctl {

namespace {

struct Options {
    std::string model;
    quant_bench_options bench = initialized(quant_bench_options_init);
    bool as_json = false;
};

/// Of weights, while generating.
double read_rate(const quant_bench_result &r) { return r.decode_per_second * r.decode_bytes_per_token; }

/// Bytes a second that this machine streams at most.
double read_limit() {
    StringHandle text;
    check(quant_machine_describe(Out(text)));
    return number_of(member(parse_document(text.get()), "read_bytes_per_second"));
}

void print_result(const quant_bench_result &r, double limit, const ModelChoice &model) {
    print("{}, {} threads, {}\n", bold(harmless(model.title())), r.threads, harmless(r.tier));
    Table table({{"", Table::left}, {"TOK/S", Table::right}, {"LOW", Table::right}, {"HIGH", Table::right}}, 2);
    table.add({"prompt", fixed_or_dash(r.prefill_per_second, 1), fixed_or_dash(r.prefill_low, 1),
               fixed_or_dash(r.prefill_high, 1)});
    table.add({"generation", fixed_or_dash(r.decode_per_second, 1), fixed_or_dash(r.decode_low, 1),
               fixed_or_dash(r.decode_high, 1)});
    table.print();
    print("  Generating reads {} GB/s of the {} that this machine streams ({} %).\n",
          fixed_or_dash(read_rate(r) * 1e-9, 1), fixed_or_dash(limit * 1e-9, 1),
          fixed_or_dash(100 * read_rate(r) / limit, 0));
}

json::object result_json(const quant_bench_result &r, double limit, const ModelChoice &model, bool recorded) {
    return {{"schema_version", schema_version},
            {"model", model.title()},
            {"path", model.path},
            {"threads", r.threads},
            {"tier", std::string(r.tier)},
            {"prefill_per_second", number_or_null(r.prefill_per_second)},
            {"prefill_low", number_or_null(r.prefill_low)},
            {"prefill_high", number_or_null(r.prefill_high)},
            {"decode_per_second", number_or_null(r.decode_per_second)},
            {"decode_low", number_or_null(r.decode_low)},
            {"decode_high", number_or_null(r.decode_high)},
            {"decode_read_bytes_per_second", number_or_null(read_rate(r))},
            {"read_limit_bytes_per_second", number_or_null(limit)},
            {"recorded", recorded}};
}

void bench(const Options &options) {
    const RecordedChoice chosen = choose_recorded(options.model);
    const ModelHandle model = open_model(chosen.model.path);
    const quant_bench_result result = timed(model.get(), options.bench);
    const bool recorded = chosen.catalog && !chosen.model.name.empty();
    if (recorded) check(quant_catalog_record_bench(chosen.catalog.get(), chosen.model.name.c_str(), &result));
    const double limit = read_limit();
    if (options.as_json) return print_json(result_json(result, limit, chosen.model, recorded));
    print_result(result, limit, chosen.model);
    if (!recorded && chosen.catalog) note("Not recorded: {} is not in the catalog (quantctl import).", options.model);
}

} // namespace

Action add_bench(CLI::App &app) {
    auto o = std::make_shared<Options>();
    app.add_option("MODEL", o->model, "A name of the catalog, or a path")->required();
    add_count(app, "--prompt-tokens", o->bench.prompt_tokens, 1, "Tokens to read (256)");
    add_count(app, "--decode-tokens", o->bench.decode_tokens, 1, "Tokens to generate (32)");
    add_count(app, "--rounds", o->bench.rounds, 1, "Rounds, of which medians are given (3)");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { bench(*o); };
}

} // namespace quantctl
