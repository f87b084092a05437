#include "model_opening.h"

#include "borrowed_model.h"
#include "failure.h"

namespace quantctl {

OpenedModel open_named_model(const std::string &text, const OpenChoice &choice) {
    if (choice.may_borrow() && !is_path(text))
        if (auto borrowed = borrow_model(text)) return std::move(*borrowed);
    OpenedModel opened;
    opened.choice = is_path(text) ? ModelChoice{text, ""} : choose_model(open_catalog().get(), text);
    opened.model = open_model(opened.choice.path, choice);
    return opened;
}

ModelHandle open_model(const std::string &path, const OpenChoice &choice) {
    auto options = initialized(quant_open_options_init);
    if (!choice.numa.empty()) options.numa = choice.numa.c_str();
    if (!choice.pack_cache.empty()) options.pack_cache = choice.pack_cache.c_str();
    if (choice.prefault) options.flags |= QUANT_OPEN_PREFAULT;
    ModelHandle model;
    check(quant_model_open(Out(model), path.c_str(), &options));
    return model;
}

void add_local_option(CLI::App &app, OpenChoice &choice) {
    choice.local = false;
    app.add_flag("--local", choice.local, "Open the model's file even where a quantd could lend the model");
}

void add_open_options(CLI::App &app, OpenChoice &choice) {
    app.add_option("--numa", choice.numa,
                   "Spread workers and weights over memory nodes: auto (default), shard, mirror, node=N or off")
        ->type_name("POLICY");
    app.add_option("--pack-cache", choice.pack_cache,
                   "Keep weights as this CPU reads them on disk for the next time: off (default), on or a size at most")
        ->type_name("SIZE");
    app.add_flag("--prefault", choice.prefault, "Read all of the model before it starts");
}

} // namespace quantctl
