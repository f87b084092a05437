// The routes every daemon has, whatever it serves: is it there, is it well, which version.
#pragma once

#include "router.h"

#include <functional>
#include <string>

namespace quantd {

/// What those routes ask of the rest; called on the I/O thread.
struct BaseRoutes {
    std::function<bool()> draining;
    std::function<std::string()> metrics; ///< In Prometheus' text format.
};

/// GET /, /api/version, /healthz and /metrics.
void add_base_routes(Router &router, BaseRoutes source);

} // namespace quantd
