// Carrying out a plan from the command line: what the verbs quantize, merge and convert have in common.
#pragma once

#include "adapter_choice.h"
#include "plan_search.h"

#include <CLI/CLI.hpp>

#include <string>
#include <vector>

namespace quantctl {

/// What quantctl quantize, merge and convert are told.
struct QuantizeChoice {
    std::string model, type, output, method = "default";
    std::vector<std::string> overrides; ///< "REGEX=TYPE"
    std::string imatrix, moments, calibration;
    std::vector<AdapterChoice> adapters;
    std::string name; ///< Of what a merge makes; "": a variant of the model.
    uint64_t calibration_tokens = 0;
    TargetOptions target;
    std::string plan_document; ///< Of a file, or searched for.
    bool dry_run = false, as_json = false, no_eval = false;
    bool keep_floats = false, exact = false; ///< As quant_quantize_options.
};

/// Make it, and record it in the catalog. Throws Failure.
void quantize(QuantizeChoice choice);

/// What a file is called without its ending and type, of the bytes that names may have.
std::string name_after(const std::string &output, const std::string &type);

/// How matrices are encoded, and what that is decided by.
void add_method_options(CLI::App &app, QuantizeChoice &choice);
void add_plan_options(CLI::App &app, QuantizeChoice &choice);

} // namespace quantctl
