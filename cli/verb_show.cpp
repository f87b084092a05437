// quantctl show: everything the catalog knows of a variant. The library gives one
// JSON object; this is its form for a person.
#include "failure.h"
#include "json_fields.h"
#include "model_choice.h"
#include "output.h"
#include "verb.h"

#include <cmath>

namespace quantctl {

namespace {

struct ShowOptions {
    std::string name;
    bool as_json = false;
};

std::string with_error(const json::object &row, const char *key, const char *error, int decimals, double scale = 1) {
    const double value = number_of(member(row, key)), se = number_of(member(row, error));
    if (!std::isfinite(value)) return "-";
    const std::string text = fixed_or_dash(value, decimals, scale);
    return std::isfinite(se) ? text + " ± " + fixed_or_dash(se, decimals, scale) : text;
}

void heading(const char *text) { print("\n{}\n", bold(text)); }

void print_fields(const json::object &fields) {
    Table table({{"", Table::left}, {"", Table::left}}, 2);
    for (const auto &[key, value] : fields) {
        std::string label(key);
        for (char &c : label)
            if (c == '_') c = ' ';
        table.add({label, words_of(value)});
    }
    table.print_rows();
}

void print_recipe(const json::object &document) {
    Table table({{"TENSOR", Table::left}, {"SHAPE", Table::right}, {"ENCODING", Table::left}, {"METHOD", Table::left},
                 {"BYTES", Table::right}, {"RMSE", Table::right}, {"RELATIVE", Table::right}}, 2);
    for (const json::object *row : rows_of(document, "recipe")) {
        const double rmse = number_of(member(*row, "rmse")), relative = number_of(member(*row, "relative"));
        table.add({words_of(member(*row, "tensor")), words_of(member(*row, "shape")),
                   words_of(member(*row, "encoding")), words_of(member(*row, "method")),
                   grouped(count_of(member(*row, "bytes"))), rmse >= 0 ? fmt::format("{:.3e}", rmse) : "-",
                   relative >= 0 ? fmt::format("{:.5f}", relative) : "-"});
    }
    if (table.empty()) return;
    heading("Recipe");
    table.print();
}

void print_measurements(const json::object &document) {
    Table table({{"TEXT", Table::left}, {"BASE", Table::left}, {"PPL", Table::right}, {"BASE PPL", Table::right},
                 {"MEAN KLD", Table::right}, {"99.9 % KLD", Table::right}, {"TOP-1 %", Table::right},
                 {"TOKENS", Table::right}, {"DATE", Table::left}}, 2);
    for (const json::object *row : rows_of(document, "measurements"))
        table.add({words_of(member(*row, "text")), words_of(member(*row, "base")), with_error(*row, "ppl", "ppl_se", 4),
                   fixed_or_dash(number_of(member(*row, "base_ppl")), 4), with_error(*row, "kld_mean", "kld_se", 6),
                   fixed_or_dash(number_of(member(*row, "kld_p999")), 5), with_error(*row, "top1", "top1_se", 2, 100),
                   words_of(member(*row, "tokens")), words_of(member(*row, "date"))});
    heading("Measurements");
    if (table.empty()) return print("  none yet: quantctl eval {}\n", harmless(words_of(member(document, "name"))));
    table.print();
}

void print_speeds(const json::object &document) {
    Table table({{"MACHINE", Table::left}, {"TIER", Table::left}, {"THREADS", Table::right},
                 {"PROMPT TOK/S", Table::right}, {"GENERATION TOK/S", Table::right}, {"DATE", Table::left}}, 2);
    for (const json::object *row : rows_of(document, "speeds")) {
        table.add({words_of(member(*row, "cpu")), words_of(member(*row, "tier")), words_of(member(*row, "threads")),
                   fixed_or_dash(number_of(member(*row, "prefill_per_second")), 1),
                   fixed_or_dash(number_of(member(*row, "decode_per_second")), 1), words_of(member(*row, "date"))});
    }
    if (table.empty()) return;
    heading("Speeds");
    table.print();
}

void print_head(const json::object &d) {
    print("{}\n", bold(harmless(words_of(member(d, "name")))));
    const json::value &missing = member(d, "file_missing");
    const bool gone = (missing.is_bool() && missing.get_bool()) || number_of(missing) > 0;
    const json::value &base = member(d, "base");
    json::object fields{{"file", words_of(member(d, "path")) + (gone ? " (missing)" : "")},
                        {"size", fmt::format("{}, {} bits/weight",
                                             human_bytes(count_of(member(d, "bytes"))),
                                             fixed_or_dash(number_of(member(d, "bits_per_weight")), 3))},
                        {"architecture", words_of(member(d, "architecture"))},
                        {"parameters", grouped(count_of(member(d, "parameters")))}};
    if (base.is_string() && !base.get_string().empty()) fields["made from"] = base;
    print_fields(fields);
}

void show(const ShowOptions &options) {
    const CatalogHandle catalog = open_catalog();
    StringHandle text;
    check(quant_catalog_show(catalog.get(), options.name.c_str(), Out(text)));
    if (options.as_json) return print("{}\n", text.get());
    const json::object d = parse_document(text.get());
    print_head(d);
    if (const json::value &provenance = member(d, "provenance"); provenance.is_object()) {
        heading("Provenance");
        print_fields(provenance.get_object());
    }
    heading("Files");
    for (const json::object *file : rows_of(d, "files"))
        print("  {}  {}  sha256 {}\n", harmless(words_of(member(*file, "path"))),
              human_bytes(count_of(member(*file, "bytes"))),
              harmless(words_of(member(*file, "sha256"))));
    print_recipe(d);
    print_measurements(d);
    print_speeds(d);
}

} // namespace

Action add_show(CLI::App &app) {
    auto o = std::make_shared<ShowOptions>();
    app.add_option("NAME", o->name, "A variant, or a model for its base")->required();
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { show(*o); };
}

} // namespace quantctl
