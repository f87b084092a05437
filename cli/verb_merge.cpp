// quantctl merge: quantizing with adapters in the weights, under a name of its own.
#include "quantizing.h"
#include "encoding_names.h"
#include "failure.h"
#include "model_choice.h"
#include "model_opening.h"
#include "local_file.h"
#include "verb.h"

namespace quantctl {

namespace {

// The base's own, where that is one that files are made of.
std::string type_of_base(const std::string &path) {
    const ModelHandle model = open_model(path);
    auto info = sized<quant_model_info>();
    check(quant_model_get_info(model.get(), &info));
    for (size_t i = 0; i < quant_type_count(); i++) {
        auto type = sized<quant_type_info>();
        check(quant_type_get(i, &type));
        if (std::string_view(type.name) == info.type_name) return type.name;
    }
    usage_error("merge: {} is of {}, which is no type to write: expected --type, such as BF16", path, info.type_name);
}

void merge(QuantizeChoice options, const std::vector<std::string> &adapters) {
    const ModelChoice source =
        is_path(options.model) ? ModelChoice{options.model, ""} : choose_without_recording(options.model);
    for (const std::string &word : adapters) options.adapters.push_back(parse_adapter(word));
    if (options.type.empty()) options.type = type_of_base(source.path);
    if (options.name.empty()) options.name = name_after(options.output, parse_type_mix(options.type));
    quantize(std::move(options));
}

} // namespace

Action add_merge(CLI::App &app) {
    auto o = std::make_shared<QuantizeChoice>();
    auto adapters = std::make_shared<std::vector<std::string>>();
    app.add_option("BASE", o->model, "A name of the catalog, a GGUF file, or a Hugging Face folder")->required();
    app.add_option("ADAPTER", *adapters, "A PEFT folder or a GGUF adapter, and by how much it counts (1)")
        ->type_name("PATH[:SCALE]")
        ->required();
    app.add_option("-o,--output", o->output, "Write the file here")->type_name("FILE")->required();
    app.add_option("--type", o->type, "What to make of it, such as Q4_K_M (default: what the base is)")->type_name("TYPE");
    app.add_option("--name", o->name, "Record it as this (default: the file's name, without type and ending)")
        ->type_name("MODEL[:VARIANT]");
    add_plan_options(app, *o);
    add_method_options(app, *o);
    app.add_flag("--json", o->as_json, "Print a JSON document");
    return [o, adapters] { merge(*o, *adapters); };
}

} // namespace quantctl
