// A tokenizer as the files of a Hugging Face folder: what tokenizer.h reads from one, the other way round.
#pragma once

#include "text/tokenizer.h"

#include <string>

namespace quant {

struct TokenizerFiles {
    std::string tokenizer;  ///< tokenizer.json
    std::string config;     ///< tokenizer_config.json: special tokens, chat template
    std::string generation; ///< generation_config.json: which tokens begin and end
};

/// `context`: tokens that the model takes. Throws Error (QUANT_ERR_UNSUPPORTED), naming the file, for what those files have
/// no words for: WordPiece and Unigram vocabularies, two tokens of the same text, a token that is no UTF-8.
TokenizerFiles write_tokenizer_files(const TokenizerSpec &spec, uint64_t context);

} // namespace quant
