// Perplexity of a model and its divergence from a base, in one pass.
#pragma once

#include <quant/evaluate.h>

#include "model/model.h"

#include <memory>

namespace quant {

/// As quant_evaluate() says. `base` may be nullptr.
quant_eval_result evaluate(std::shared_ptr<const Model> model, std::shared_ptr<const Model> base,
                           const quant_eval_options &options);

} // namespace quant
