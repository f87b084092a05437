// quantctl list: the variants of the catalog with what was measured of them, or those that
// quantd has. Opens no model, so that it is instant.
#include "daemon_client.h"
#include "failure.h"
#include "json_fields.h"
#include "model_choice.h"
#include "output.h"
#include "variants.h"
#include "verb.h"

namespace quantctl {

namespace {

struct ListOptions {
    std::string model, socket;
    bool remote = false, as_json = false, quiet = false;
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

// What /api/tags has of a model, under the names that the catalog's own list has.
json::object remote_json(const json::object &m) {
    const json::value &details = member(m, "details");
    const auto detail = [&](const char *key) { return details.is_object() ? member(details.get_object(), key) : nullptr; };
    return {{"name", member(m, "name")},
            {"variant", detail("quantization_level")},
            {"architecture", detail("family")},
            {"bytes", member(m, "size")},
            {"parameters", detail("parameter_size")},
            {"digest", member(m, "digest")},
            {"modified_at", member(m, "modified_at")}};
}

// "model" has all its variants, "model:variant" one.
bool is_of(const std::string &name, const std::string &filter) {
    return filter.empty() || name == filter || name.starts_with(filter + ":");
}

void list_remote(const ListOptions &options) {
    const DaemonClient daemon(options.socket);
    const json::object document = daemon.get("/api/tags");
    json::array rows;
    for (const json::object *m : rows_of(document, "models"))
        if (is_of(text_of(member(*m, "name")), options.model)) rows.push_back(remote_json(*m));
    if (options.as_json)
        return print_json({{"schema_version", schema_version}, {"socket", daemon.socket()}, {"variants", rows}});
    if (rows.empty() && !options.model.empty())
        throw Failure(exit_not_found, fmt::format("the quantd at {} has no \"{}\"", daemon.socket(), options.model));
    if (rows.empty()) return note("The catalog of the quantd at {} is empty.", daemon.socket());
    Table table({{"NAME", Table::left}, {"TYPE", Table::left}, {"PARAMETERS", Table::right}, {"SIZE", Table::right},
                 {"DIGEST", Table::left}});
    for (const json::value &row : rows) {
        const json::object &m = row.get_object();
        const std::string name = text_of(member(m, "name"));
        if (options.quiet) print("{}\n", harmless(name));
        table.add({name, text_of(member(m, "variant")), text_of(member(m, "parameters")),
                   human_bytes(count_of(member(m, "bytes"))), text_of(member(m, "digest")).substr(0, 19)});
    }
    if (!options.quiet) table.print();
}

void list(const ListOptions &options) {
    if (options.remote) return list_remote(options);
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
    auto o = std::make_shared<ListOptions>();
    app.add_option("MODEL", o->model, "Only this model or variant");
    CLI::Option *remote = app.add_flag("--remote", o->remote, "What quantd has, instead of your own catalog");
    add_socket_option(app, o->socket)->needs(remote);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    app.add_flag("-q,--quiet", o->quiet, "Names only");
    return [o] { list(*o); };
}

} // namespace quantctl
