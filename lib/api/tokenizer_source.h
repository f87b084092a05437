// The tokenizer of whatever a path names.
#pragma once

#include "text/tokenizer.h"

namespace quant::api {

/// From a GGUF file, a tokenizer.json, a safetensors file or a folder.
TokenizerSpec read_tokenizer(const std::filesystem::path &path);

} // namespace quant::api
