// Texts to embeddings: their tokens run through the model in batches, and the last states pooled.
#pragma once

#include <quant/embedding.h>

#include "base/progress.h"
#include "kernel/activations.h"
#include "model/model.h"

#include <span>
#include <string_view>
#include <vector>

namespace quant {

struct EmbeddingInput {
    std::string_view text;
    std::span<const int32_t> tokens; ///< Instead, where `is_tokens`.
    bool is_tokens = false;
};

struct EmbeddingOptions {
    quant_pooling pooling = QUANT_POOLING_DEFAULT;
    bool normalize = true, truncate = false;
    uint32_t dimensions = 0; ///< 0: all.
    TokenizeOptions text;
    Activations activations = Activations::int8_of_many;
};

struct Embedding {
    std::vector<float> values; ///< rows x dimensions.
    uint32_t rows = 0, dimensions = 0, tokens = 0, tokens_cut = 0;
};

/// As quant_model_embed() says. Throws Error.
std::vector<Embedding> embed_texts(const Model &model, std::span<const EmbeddingInput> inputs,
                                   const EmbeddingOptions &options, Progress &progress);

} // namespace quant
