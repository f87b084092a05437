// quantctl import: record a model where it lies; nothing is copied.
#include "failure.h"
#include "model_choice.h"
#include "output.h"
#include "progress_bar.h"
#include "variants.h"
#include "verb.h"

namespace quantctl {

namespace {

struct ImportOptions {
    std::string path, name;
    bool as_json = false;
};

void import_model(const ImportOptions &options) {
    const CatalogHandle catalog = open_catalog();
    StringHandle name;
    {
        ProgressBar bar("hashing", "B");
        const char *wanted = options.name.empty() ? nullptr : options.name.c_str();
        const quant_status status = quant_catalog_import(catalog.get(), options.path.c_str(), wanted,
                                                         ProgressBar::report, &bar, Out(name));
        bar.erase();
        check(status);
    }
    const Variants variants(catalog.get(), text_or_empty(name));
    for (const quant_variant_info &v : variants.all()) {
        if (options.as_json) {
            json::object document{{"schema_version", schema_version}};
            for (const auto &[key, value] : variant_json(v)) document[key] = value;
            return print_json(document);
        }
        print("{}  {}, {:.2f} bits/weight, stays in {}\n", bold(harmless(v.name)), human_bytes(v.bytes),
              v.bits_per_weight, harmless(v.path));
    }
}

} // namespace

Action add_import(CLI::App &app) {
    auto o = std::make_shared<ImportOptions>();
    app.add_option("PATH", o->path, "A GGUF file or a Hugging Face folder")->required();
    app.add_option("--name", o->name, "\"model\" or \"model:variant\" (default: from the file)");
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o] { import_model(*o); };
}

} // namespace quantctl
