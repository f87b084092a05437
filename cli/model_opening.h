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
    bool local = true; ///< Not from a daemon, even where one has the model.

    /// Whether a daemon's copy would be what was asked for: it is placed and packed already.
    bool may_borrow() const { return !local && !prefault && numa.empty() && pack_cache.empty(); }
};
ModelHandle open_model(const std::string &path, const OpenChoice &choice = {});

struct OpenedModel {
    ModelChoice choice;
    ModelHandle model;
};

/// The model that `text` means: a path, or a name of the catalog, borrowed from quantd where it is there.
OpenedModel open_named_model(const std::string &text, const OpenChoice &choice);

/// --local, of verbs that can borrow a model.
void add_local_option(CLI::App &app, OpenChoice &choice);

/// --numa, --pack-cache and --prefault, of verbs that run a model.
void add_open_options(CLI::App &app, OpenChoice &choice);

} // namespace quantctl
