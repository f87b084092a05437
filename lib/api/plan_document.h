// Plans as JSON documents: made for a target, shown to the user, replayed.
#pragma once

#include <quant/quantize.h>

#include "quantize/plan.h"

#include <string>
#include <string_view>

namespace quant::api {

/// As quant_plan_search() says.
std::string search_plan(const std::string &path, const quant_target &target);

/// Fills in type, assignment and predicted_kld. Throws Error (QUANT_ERR_FORMAT) naming
/// the key, QUANT_ERR_ARGUMENT for an unknown encoding.
void read_plan_document(std::string_view text, QuantizeOptions &options);

} // namespace quant::api
