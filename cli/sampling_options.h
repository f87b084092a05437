// What run may be told about choosing tokens.
#pragma once

#include "owned_handles.h"

#include <CLI/CLI.hpp>

#include <vector>

namespace quantctl {

struct SamplingOptions {
    quant_sampling values = initialized(quant_sampling_init);
    std::vector<quant_logit_bias> biases;

    /// What quant_generate() wants, good as long as this is.
    quant_sampling request() const {
        quant_sampling s = values;
        s.logit_bias = biases.data(), s.logit_bias_count = biases.size();
        return s;
    }
};

void add_sampling_options(CLI::App &app, SamplingOptions &options);

} // namespace quantctl
