// What --kv-type may be: how keys and values are kept.
#pragma once

#include <quant/encoding.h>

#include <CLI/CLI.hpp>

#include <string>

namespace quantctl {

/// An option that takes "TYPE" for both or "KEYS,VALUES". Whether a model can have them, the
/// library says.
CLI::Option *add_kv_types(CLI::App &app, quant_encoding &keys, quant_encoding &values, const std::string &defaults);

} // namespace quantctl
