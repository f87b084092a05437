// How a config.json says that queries and keys are rotated.
#pragma once

#include "model/hugging_face_config.h"

namespace quant {

/// Sets GGUF's rope.* keys under `prefix`, and `made` where GGUF keeps numbers in tensors. Throws Error:
/// QUANT_ERR_UNSUPPORTED (a scaling), QUANT_ERR_MODEL or QUANT_ERR_FORMAT naming file and key.
void read_hugging_face_rope(const json::Reader &config, const std::string &prefix, uint32_t head_dim,
                            HuggingFaceConfig &out);

} // namespace quant
