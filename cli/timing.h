// Measuring speed and keeping the result, which both bench and eval do.
#pragma once

#include "owned_handles.h"

#include <string>

namespace quantctl {

/// Time `model` with a progress bar.
quant_bench_result timed(const quant_model *model, quant_bench_options options);

/// "prompt 900 tok/s, generation 90 tok/s"
std::string speed_words(const quant_bench_result &result);

} // namespace quantctl
