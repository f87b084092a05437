// Jobs carried out: quantizing, measuring and taking in models, through the C ABI.
#pragma once

#include "model_pool.h"
#include "store_job.h"

namespace quantd {

/// Does the job. Files appear whole or not at all, and what was made is recorded with its numbers; `pool` lets go of
/// a model whose file was replaced. Throws ApiError, in whose message no path is; log lines have them. Threads: one
/// at a time.
json::object do_job(ModelPool &pool, const JobRequest &request, JobControl &control);

} // namespace quantd
