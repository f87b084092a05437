// What config.json says of latent attention and of mixtures as DeepSeek has them.
#pragma once

#include "base/json.h"
#include "container/metadata.h"

#include <string>

namespace quant {

/// Keys that its numbers become; they take the place of what stands there for other attention. Nothing where it is of
/// another kind. Throws Error (QUANT_ERR_UNSUPPORTED, QUANT_ERR_MODEL) naming file and key.
void read_latent_config(const json::Reader &config, const std::string &prefix, Metadata &out);

/// How experts are chosen and weighed, and which layers have them. Throws Error likewise.
void read_mixture_config(const json::Reader &config, const std::string &prefix, Metadata &out);

/// The elements of a head that are rotated.
uint32_t rotated_dims(const json::Reader &config, uint32_t head_dim);

} // namespace quant
