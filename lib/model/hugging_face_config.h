// config.json of a Hugging Face folder, translated to GGUF's keys.
#pragma once

#include "base/file_source.h"
#include "base/json.h"
#include "model/architecture.h"

#include <filesystem>
#include <vector>

namespace quant {

struct HuggingFaceConfig {
    Metadata metadata;               ///< general.* and <architecture>.* keys.
    const Architecture *architecture = nullptr;
    std::vector<std::pair<Role, std::vector<float>>> made; ///< Vectors that GGUF keeps in tensors; often none.
    std::vector<Role> biases;        ///< That the configuration says are there.
    bool tied_embeddings = false;
    json::value document;            ///< The whole of it.
};

/// Throws Error: QUANT_ERR_UNSUPPORTED (architecture, activation, rope scaling), QUANT_ERR_MODEL or QUANT_ERR_FORMAT naming file and key.
HuggingFaceConfig read_hugging_face_config(const std::filesystem::path &folder, const FileSource &files);

} // namespace quant
