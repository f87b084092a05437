// Quantized checkpoints of Hugging Face folders: GPTQ and the like.
#pragma once

#include "base/json.h"
#include "container/container.h"

#include <memory>
#include <span>
#include <string_view>

namespace quant {

/// A container in which matrices that `stored` keeps in pieces are tensors of the model, under
/// the names that they have in a checkpoint that is not quantized. `config` is config.json; a
/// checkpoint that is not quantized comes back as it is.
/// Throws Error: QUANT_ERR_UNSUPPORTED (a quantization method that is not known, which the message
/// lists, or a kind of it that is not supported), QUANT_ERR_MODEL or QUANT_ERR_NOT_FOUND naming file and tensor.
std::shared_ptr<const Container> open_checkpoint(std::shared_ptr<const Container> stored, const json::Reader &config);

/// A dialect of quantized checkpoints that is read, for documents.
struct DialectInfo {
    std::string_view method;  ///< quantization_config.quant_method.
    const char *kinds;        ///< What of it is read.
    const char *becomes;      ///< Encodings that its matrices become.
    const char *tested;       ///< The software whose checkpoints, weights and logits it is tested against.
};
std::span<const DialectInfo> checkpoint_dialects();

} // namespace quant
