// What /api/show and the lists of the Ollama API tell of a model.
#pragma once

#include "model_pool.h"
#include "request_fields.h"

namespace quantd {

/// Its "details".
json::object ollama_details(const std::string &architecture, const std::string &type, uint64_t parameters);

/// The answer of /api/show. `verbose`: with long arrays of the metadata, which are null otherwise, and the tensors.
/// Throws ApiError. Blocks: opens the file.
json::object ollama_description(ModelPool &pool, const std::string &name, bool verbose);

} // namespace quantd
