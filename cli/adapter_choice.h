// Adapters on the command line, and opened for a model.
#pragma once

#include "owned_handles.h"

#include <CLI/CLI.hpp>

#include <boost/json/array.hpp>

#include <string>
#include <vector>

namespace quantctl {

struct AdapterChoice {
    std::string path;
    float scale = 1;
};

/// "PATH" or "PATH:SCALE". A path that is there is one, whatever stands in it.
AdapterChoice parse_adapter(const std::string &text);

/// --adapter, which may be given repeatedly.
CLI::Option *add_adapter_option(CLI::App &app, std::vector<AdapterChoice> &choices, const std::string &description);

/// As documents list them: path and scale.
boost::json::array adapters_json(const std::vector<AdapterChoice> &choices);

/// Those of a model, and the list that the library takes.
class OpenedAdapters {
public:
    OpenedAdapters() = default;
    OpenedAdapters(const quant_model *model, const std::vector<AdapterChoice> &choices);

    const std::vector<quant_adapter_use> &uses() const { return uses_; }

private:
    std::vector<AdapterHandle> adapters_;
    std::vector<quant_adapter_use> uses_;
};

} // namespace quantctl
