// In what a config.json says that layers differ.
#pragma once

#include "model/architecture.h"
#include "model/hugging_face_config.h"

namespace quant {

/// Sets GGUF's keys of sliding windows and of layers that are not rotated, under `prefix`. Throws Error
/// (QUANT_ERR_MODEL or QUANT_ERR_FORMAT) naming file and key.
void read_hugging_face_layers(const json::Reader &config, const Architecture &architecture, const std::string &prefix,
                              Metadata &out);

} // namespace quant
