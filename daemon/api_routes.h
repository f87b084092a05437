// The endpoints of each API, for the route table.
#pragma once

#include "blob_store.h"
#include "job_book.h"
#include "lease_table.h"
#include "model_pool.h"
#include "router.h"

namespace quantd {

class EmbeddingJobs;

// What handlers use outlives the server.
void add_openai_routes(Router &router, ModelPool &pool);
void add_ollama_routes(Router &router, ModelPool &pool);
/// Of Ollama's API what changes the catalog: create, copy, delete, pull, push and blobs.
void add_ollama_store_routes(Router &router, ModelPool &pool, JobBook &jobs, BlobStore &blobs);
void add_openai_embeddings(Router &router, ModelPool &pool, EmbeddingJobs &jobs);
void add_ollama_embeddings(Router &router, ModelPool &pool, EmbeddingJobs &jobs);
void add_own_routes(Router &router, ModelPool &pool);
void add_catalog_routes(Router &router, ModelPool &pool);
void add_job_routes(Router &router, ModelPool &pool, JobBook &jobs);
/// `leases` outlives the server too.
void add_lease_routes(Router &router, ModelPool &pool, LeaseTable &leases);

} // namespace quantd
