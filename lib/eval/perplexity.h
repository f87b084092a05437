// Perplexity of models and their divergence from a base, in one pass with all resident.
#pragma once

#include <quant/evaluate.h>

#include "model/adapter.h"
#include "model/model.h"

#include <memory>

namespace quant {

/// As quant_evaluate() says, with the adapters given here. `base` may be nullptr.
quant_eval_result evaluate(std::shared_ptr<const Model> model, std::shared_ptr<const Model> base,
                           const quant_eval_options &options, const AdapterSet &adapters = {});

/// As quant_compare() says.
struct Compared {
    quant_eval_result model, against;
    quant_comparison comparison;
};
Compared compare(std::shared_ptr<const Model> model, std::shared_ptr<const Model> against,
                 std::shared_ptr<const Model> base, const quant_eval_options &options, const AdapterSet &adapters = {});

/// Throws Error (QUANT_ERR_ARGUMENT) unless both mean the same by a token id.
void check_same_vocabulary(const Model &model, const Model &base);

} // namespace quant
