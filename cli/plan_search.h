// A plan for a target: searched, shown, written down.
#pragma once

#include <quant/quant.h>

#include <string>

namespace quantctl {

struct TargetOptions {
    std::string size, plan_file;
    float bits_per_weight = 0, max_kld = 0;
    bool plan_only = false;

    bool given() const { return !size.empty() || bits_per_weight != 0 || max_kld != 0; }
};

/// The plan document of the model at `path` for the target.
std::string search_plan(const std::string &path, const std::string &model, const TargetOptions &target,
                        quant_method method, const std::string &calibration);

/// Table of a plan document on standard output.
void print_plan(const std::string &document, const std::string &title);

} // namespace quantctl
