// The endpoints of each API, for the route table.
#pragma once

#include "model_pool.h"
#include "router.h"

namespace quantd {

class EmbeddingJobs;

/// Handlers use `pool` and `jobs`, which outlive the server.
void add_openai_routes(Router &router, ModelPool &pool);
void add_ollama_routes(Router &router, ModelPool &pool);
void add_openai_embeddings(Router &router, ModelPool &pool, EmbeddingJobs &jobs);
void add_ollama_embeddings(Router &router, ModelPool &pool, EmbeddingJobs &jobs);
void add_own_routes(Router &router, ModelPool &pool);

} // namespace quantd
