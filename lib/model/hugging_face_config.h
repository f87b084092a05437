// config.json of a Hugging Face folder, translated to GGUF's keys.
#pragma once

#include "base/file_source.h"
#include "model/hyperparameters.h"

#include <filesystem>
#include <vector>

namespace quant {

struct HuggingFaceConfig {
    Metadata metadata;               ///< general.* and <architecture>.* keys.
    std::vector<float> rope_divisors; ///< What GGUF keeps in the tensor rope_freqs.weight; often empty.
    bool tied_embeddings = false;
};

/// Throws Error: QUANT_ERR_UNSUPPORTED (architecture, activation, rope scaling, a
/// quantized checkpoint), QUANT_ERR_MODEL or QUANT_ERR_FORMAT naming file and key.
HuggingFaceConfig read_hugging_face_config(const std::filesystem::path &folder, const FileSource &files);

} // namespace quant
