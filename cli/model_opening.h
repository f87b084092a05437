// Opening a model to run it: from what a user wrote to a handle.
#pragma once

#include "model_choice.h"

#include <CLI/CLI.hpp>

#include <string>

namespace quantctl {

/// As quant_open_options has them; "": the default.
struct OpenChoice {
    std::string numa, pack_cache;
    bool prefault = false;
};
ModelHandle open_model(const std::string &path, const OpenChoice &choice = {});

struct OpenedModel {
    ModelChoice choice;
    ModelHandle model;
};

/// The model that `text` means: a path, or a name of the catalog.
OpenedModel open_named_model(const std::string &text, const OpenChoice &choice);

/// --numa, --pack-cache and --prefault, of verbs that run a model.
void add_open_options(CLI::App &app, OpenChoice &choice);

} // namespace quantctl
