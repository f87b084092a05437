// A tokenizer in GGUF metadata: the keys tokenizer.ggml.* and tokenizer.chat_template.
#pragma once

#include "container/metadata.h"
#include "text/tokenizer.h"

namespace quant {

/// Throws Error (QUANT_ERR_TOKENIZER, naming file and key) for a key of a wrong type,
/// counts that differ, an id outside the vocabulary or a damaged token;
/// (QUANT_ERR_UNSUPPORTED) for a kind of tokenizer that is not known here.
TokenizerSpec read_gguf_tokenizer(const Metadata &metadata);

/// Replace the tokenizer's keys. Throws Error (QUANT_ERR_UNSUPPORTED) for a
/// pre-tokenizer that GGUF has no name for. What else GGUF cannot say (a normalizer,
/// several tokens before a text) is left out with a warning.
void write_gguf_tokenizer(const TokenizerSpec &spec, Metadata &metadata);

} // namespace quant
