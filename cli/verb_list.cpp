// quantctl list: the variants of the catalog with what was measured of them. Opens
// no model, so that it is instant.
#include "failure.h"
#include "model_choice.h"
#include "output.h"
#include "variants.h"
#include "verb.h"

namespace quantctl {

namespace {

struct Options {
    std::string model;
    bool as_json = false, quiet = false;
};

void print_table(const std::vector<quant_variant_info> &variants) {
    Table table({{"NAME", Table::left}, {"TYPE", Table::left}, {"BITS/W", Table::right}, {"SIZE", Table::right},
                 {"PPL", Table::right}, {"MEAN KLD", Table::right}, {"TOP-1 %", Table::right},
                 {"TOK/S HERE", Table::right}});
    for (const quant_variant_info &v : variants) {
        table.add({v.file_missing ? std::string(v.name) + " (file missing)" : v.name, v.variant,
                   fixed_or_dash(v.bits_per_weight, 2), human_bytes(v.bytes), fixed_or_dash(v.ppl, 3),
                   fixed_or_dash(v.kld_mean, 5), fixed_or_dash(v.top1, 2, 100), fixed_or_dash(v.decode_per_second, 1)});
    }
    table.print();
}

void list(const Options &options) {
    const CatalogHandle catalog = open_catalog();
    const Variants variants(catalog.get(), options.model);
    if (options.as_json) {
        json::array rows;
        for (const quant_variant_info &v : variants.all()) rows.push_back(variant_json(v));
        return print_json({{"schema_version", schema_version}, {"variants", rows}});
    }
    if (variants.all().empty()) {
        note("The catalog is empty. To begin: quantctl quantize kjv-5m Q4_K_M");
    } else if (options.quiet) {
        for (const quant_variant_info &v : variants.all()) print("{}\n", v.name);
    } else {
        print_table(variants.all());
    }
}

} // namespace

Action add_list(CLI::App &app) {
    auto o = std::make_shared<Options>();
    app.add_option("MODEL", o->model, "Only this model or variant");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    app.add_flag("-q,--quiet", o->quiet, "Names only");
    return [o] { list(*o); };
}

} // namespace quantctl
