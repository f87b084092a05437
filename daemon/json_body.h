// The JSON that a request carries, as handlers want it: parsed within limits, or refused in the right way.
#pragma once

#include "http_request.h"

#include "base/json.h"

namespace quantd {

/// The body as a JSON object. An empty body is an empty object. Throws ApiError 400: not JSON, not an
/// object, nested deeper than quant::json::max_depth, a key twice in one object, or more values than
/// limits::json_values.
quant::json::object json_body(const HttpRequest &request);

} // namespace quantd
