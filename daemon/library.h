// The C ABI as the daemon uses it: its handles' owners, and failures as what a client is told.
#pragma once

#include "api_error.h"

#include <quant/handles.hpp>

#include <string>
#include <string_view>

namespace quantd {

using quant::CatalogHandle;
using quant::ContainerHandle;
using quant::EmbeddingsHandle;
using quant::initialized;
using quant::ModelHandle;
using quant::Out;
using quant::PlanHandle;
using quant::ReplyParserHandle;
using quant::SchedulerHandle;
using quant::sized;
using quant::StringHandle;
using quant::VariantListHandle;

/// `text` with the last part alone of each absolute path: what a client needs not know of the machine. Paths with
/// spaces are cut at the first one.
std::string without_paths(std::string_view text);

/// What a client is told of a failure: whose fault it was decides the number.
ApiError error_of(quant_status status, std::string message);

/// Throws error_of() this thread's last failure unless `status` is QUANT_OK.
void check(quant_status status);

} // namespace quantd
