// Quantized checkpoints of Hugging Face folders: GPTQ and the like.
#pragma once

#include "base/json.h"
#include "container/container.h"

#include <memory>

namespace quant {

/// A container in which matrices that `stored` keeps in pieces are tensors of the model, under
/// the names that they have in a checkpoint that is not quantized. `config` is config.json; a
/// checkpoint that is not quantized comes back as it is.
/// Throws Error: QUANT_ERR_UNSUPPORTED (a quantization method that is not known, which the message
/// lists, or a kind of it that is not supported), QUANT_ERR_MODEL or QUANT_ERR_NOT_FOUND naming file and tensor.
std::shared_ptr<const Container> open_checkpoint(std::shared_ptr<const Container> stored, const json::Reader &config);

} // namespace quant
