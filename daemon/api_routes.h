// The endpoints of each API, for the route table.
#pragma once

#include "lease_table.h"
#include "model_pool.h"
#include "router.h"

namespace quantd {

/// Handlers use `pool`, which outlives the server.
void add_openai_routes(Router &router, ModelPool &pool);
void add_ollama_routes(Router &router, ModelPool &pool);
void add_own_routes(Router &router, ModelPool &pool);
/// `leases` outlives the server too.
void add_lease_routes(Router &router, ModelPool &pool, LeaseTable &leases);

} // namespace quantd
