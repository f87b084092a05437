// What is scored: a text's tokens cut into chunks, by the protocol of llama.cpp's
// perplexity tool. The tokens may come from a file of base logits instead.
#pragma once

#include <quant/evaluate.h>

#include "model/model.h"

#include <cstdint>
#include <optional>
#include <vector>

namespace quant {

class BaseLogitsReader;

struct EvalChunks {
    std::vector<int32_t> tokens; ///< count x context, as the text has them.
    uint32_t context = 0, count = 0;
    std::optional<int32_t> bos;  ///< Replaces the first token of each chunk.

    uint32_t first_scored() const { return context / 2; } ///< Position whose next token is the first scored one.
    std::vector<int32_t> chunk(uint32_t i) const;
};

/// `stored`, where not nullptr, gives the chunks, and the text, if there is one too, must
/// begin with the same tokens. Throws Error (QUANT_ERR_ARGUMENT) with the numbers.
EvalChunks cut_chunks(const Model &model, const quant_eval_options &options, const BaseLogitsReader *stored);

} // namespace quant
