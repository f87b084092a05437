// How fast a model runs here and now.
#pragma once

#include <quant/evaluate.h>

#include "model/model.h"

#include <memory>

namespace quant {

/// As quant_bench() says.
quant_bench_result measure_speed(std::shared_ptr<const Model> model, const quant_bench_options &options);

} // namespace quant
