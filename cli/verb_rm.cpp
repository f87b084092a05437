// quantctl rm: forget variants. Says which files went and which stayed.
#include "failure.h"
#include "model_choice.h"
#include "output.h"
#include "variants.h"
#include "verb.h"

namespace quantctl {

namespace {

struct RmOptions {
    std::vector<std::string> names;
    bool keep_file = false, as_json = false;
};

struct Removal {
    std::string name, path;
    bool was_there;
};

// All names are looked up before anything is removed, so that a wrong one removes nothing.
std::vector<Removal> look_up(quant_catalog *catalog, const std::vector<std::string> &names) {
    std::vector<Removal> removals;
    for (const std::string &name : names) {
        if (name.empty()) usage_error("expected the name of a model or variant, found an empty one");
        const Variants variants(catalog, name);
        for (const quant_variant_info &v : variants.all()) {
            bool known = false;
            for (const Removal &r : removals) known = known || r.name == v.name;
            if (!known) removals.push_back({v.name, v.path, is_path(v.path)});
        }
    }
    return removals;
}

void remove(const RmOptions &options) {
    const CatalogHandle catalog = open_catalog();
    const std::vector<Removal> removals = look_up(catalog.get(), options.names);
    json::array rows;
    for (const Removal &r : removals) {
        check(quant_catalog_remove(catalog.get(), r.name.c_str(), options.keep_file ? QUANT_REMOVE_KEEP_FILE : 0,
                                   nullptr));
        const bool left = is_path(r.path);
        const char *file = left ? "kept" : r.was_there ? "deleted" : "missing";
        rows.push_back({{"name", r.name}, {"path", r.path}, {"file", file}});
        if (options.as_json) continue;
        print("removed {} ({} {})\n", harmless(r.name), left ? "left" : r.was_there ? "deleted" : "already gone:",
              harmless(r.path));
    }
    if (options.as_json) print_json({{"schema_version", schema_version}, {"removed", rows}});
}

} // namespace

Action add_rm(CLI::App &app) {
    auto o = std::make_shared<RmOptions>();
    app.add_option("NAME", o->names, "A variant, or a model with all its variants")->required();
    app.add_flag("--keep-file", o->keep_file, "Leave files that the library made, too");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { remove(*o); };
}

} // namespace quantctl
