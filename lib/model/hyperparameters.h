// What an architecture's description leaves open: the numbers of one model.
#pragma once

#include <quant/model.h>

#include "container/metadata.h"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// Which elements of a head rotary embedding turns together.
enum class RopeStyle : uint8_t {
    interleaved, ///< (x0, x1), (x2, x3) ...: GGUF files of the Llama family.
    halves,      ///< (x_i, x_{i + d/2}): Hugging Face folders.
};

/// Rotary position embedding. Pair i turns by position / (base^(2i/dims) * divisor_i)
/// radians a position.
struct RopeParameters {
    double base = 10000;
    uint32_t dims = 0;
    RopeStyle style = RopeStyle::interleaved;
    std::vector<float> divisors; ///< dims / 2 of them, or empty for all 1.
};

/// How the layers of an architecture are built: its description says so.
struct LayerStyle {
    bool causal = true;             ///< A token sees those before it, and so can be followed; else all of its text.
    bool norms_after = false;       ///< Of the embeddings, and of each block's sum with what went in; else of what goes
                                    ///< into blocks, and behind the last layer.
    bool layer_norm = false;        ///< The mean goes too, and a bias comes; else root mean square.
    bool learned_positions = false; ///< Rows of a matrix, added to embeddings; else queries and keys are rotated.
    bool gated = true;              ///< down(silu(gate(x)) * up(x)); else down(gelu(up(x))).
};

struct Hyperparameters {
    std::string architecture;
    uint32_t layers = 0, embedding = 0, heads = 0, kv_heads = 0, head_dim = 0, feed_forward = 0, vocabulary = 0;
    uint32_t context = 0;
    uint32_t sliding_window = 0; ///< 0: none.
    float norm_epsilon = 0;
    LayerStyle style;
    bool qk_norm = false;                          ///< Each head's queries and keys are normalized.
    uint32_t experts = 0, experts_used = 0;        ///< Of a layer, and of those for each token; 0: no mixture.
    uint32_t expert_feed_forward = 0;              ///< Width of an expert's hidden layer.
    bool expert_weights_sum_to_one = true;         ///< Of the experts used; else of all.
    RopeParameters rope;
    uint32_t token_types = 0;                      ///< Of which texts are the first; 0: nothing is added for it.
    quant_pooling pooling = QUANT_POOLING_LAST;    ///< What embeddings were trained with.
    uint32_t embedding_context = 0;                ///< Tokens of a text they were trained with at most.

    uint32_t q_width() const { return heads * head_dim; }
    uint32_t kv_width() const { return kv_heads * head_dim; }
};

/// Limits on what a file may claim; far above any real model, far below overflow.
inline constexpr uint64_t max_layers = 1024, max_heads = 4096, max_width = 1 << 20, max_vocabulary = 1 << 24,
                          max_experts = 4096, max_context = 1 << 28, max_token_types = 1024;

/// From GGUF keys ("llama.block_count" ...). Every number is checked against the
/// limits and against the others before anything is divided or allocated by it.
/// Throws Error: QUANT_ERR_UNSUPPORTED (an architecture that is not in the table,
/// which the message lists), QUANT_ERR_MODEL naming file and key.
Hyperparameters read_hyperparameters(const Metadata &metadata);

/// Under the architecture's prefix.
const char *norm_epsilon_key(const LayerStyle &style);
/// A key of ours: hyperparameter embedding_context, where it is less than the context.
inline constexpr std::string_view embedding_context_key = "quant.embedding.context_length";
/// GGUF's pooling_type.
uint32_t pooling_number(quant_pooling pooling);
std::optional<quant_pooling> pooling_of_number(uint64_t number);

/// Radians a position for each pair of a head, dims / 2 of them.
std::vector<double> rope_frequencies(const RopeParameters &rope);

/// The divisors of the "llama3" scaling (Llama 3.1): long wavelengths are slowed by
/// `factor`, short ones kept, those between blended.
std::vector<float> llama3_rope_divisors(double base, uint32_t dims, double factor, double low_frequency_factor,
                                        double high_frequency_factor, double original_context);

} // namespace quant
