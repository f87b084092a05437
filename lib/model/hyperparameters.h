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
    /// Those of sequences of more than `long_from` tokens; empty: `divisors` are.
    std::vector<float> long_divisors;
    uint32_t long_from = 0;
    float magnitude = 1; ///< What is rotated is multiplied by it.

    bool changes_at(uint32_t tokens) const { return !long_divisors.empty() && tokens > long_from; }
};

enum class Activation : uint8_t {
    silu,
    gelu,
    gelu_tanh, ///< Its approximation by tanh.
    clamped_swiglu, ///< VectorOps::clamped_swiglu, up to gate_limit.
    relu_squared,
};

inline constexpr float gate_limit = 7; ///< Of Activation::clamped_swiglu.

/// What is normalized of queries and keys, before they are rotated.
enum class QueryNorm : uint8_t {
    none,
    heads, ///< Each head by itself.
    whole, ///< All heads together.
};

/// How the layers of an architecture are built: its description says so.
struct LayerStyle {
    bool causal = true;             ///< A token sees those before it, and so can be followed; else all of its text.
    bool norms_before = true;       ///< Of what goes into blocks.
    bool norms_of_results = false;  ///< Of what comes out of blocks, before it is added to what went in.
    bool norms_after = false;       ///< Of the embeddings, and of each block's sum with what went in; else behind the
                                    ///< last layer.
    bool layer_norm = false;        ///< The mean goes too, and a bias comes; else root mean square.
    bool learned_positions = false; ///< Rows of a matrix, added to embeddings; else queries and keys are rotated.
    bool gated = true;              ///< down(activation(gate(x)) * up(x)); else down(activation(up(x))).
    Activation activation = Activation::silu;
    QueryNorm query_norm = QueryNorm::none;
    bool qkv_biases = false;        ///< Always there; of other matrices and architectures, where a file has them.
    bool sinks = false;             ///< Heads have a logit that takes part in the softmax and has no value.
    bool sub_norms = false;         ///< What goes into the last matrix of a block is normalized.
};

/// In what a layer's attention may differ from its neighbour's.
struct LayerAttention {
    uint32_t window = 0;     ///< The last so many tokens are seen, itself included; 0: all.
    bool rotated = true;     ///< Else queries and keys do not tell positions.
    bool local_rope = false; ///< By Hyperparameters::local_rope.
    bool convolves = false;  ///< It has none, but a gated convolution over the last Hyperparameters::conv_taps tokens (LFM2).
};

/// Attention whose keys and values are made of one narrow vector a position (multi-head latent attention:
/// DeepSeek-V2, arXiv 2405.04434). That vector is what is kept, and attended to by all heads, so that to attention
/// there is one key/value head: keys of `rope_dims` that are rotated and then the vector, values of the vector. A
/// head's queries go through its part of the matrix that would make keys, its result through that which would make values.
struct LatentAttention {
    uint32_t rank = 0;      ///< Of the vector; 0: attention is not of this kind.
    uint32_t q_rank = 0;    ///< Of what queries are made of, likewise; 0: of what goes into the block.
    uint32_t rope_dims = 0; ///< Of a head's query, its last.
    uint32_t plain_dims = 0, value_dims = 0; ///< Of a head's query, its first; and of its result.
};

struct Hyperparameters {
    std::string architecture;
    uint32_t layers = 0, embedding = 0, heads = 0, kv_heads = 0, head_dim = 0, feed_forward = 0, vocabulary = 0;
    uint32_t context = 0;
    float norm_epsilon = 0;
    LayerStyle style;
    std::vector<LayerAttention> attention;         ///< Of each layer.
    float attention_scale = 0;                     ///< Of queries times keys.
    float embedding_scale = 1, residual_scale = 1; ///< Of embeddings, and of what blocks add.
    float logit_divisor = 1;
    float attention_cap = 0, logit_cap = 0;        ///< x becomes cap * tanh(x / cap); 0: it stays.
    uint32_t experts = 0, experts_used = 0;        ///< Of a layer, and of those for each token; 0: no mixture.
    uint32_t expert_feed_forward = 0;              ///< Width of an expert's hidden layer.
    bool expert_weights_sum_to_one = true;         ///< Of the experts used; else of all.
    bool expert_sigmoid = false;                   ///< Experts are chosen and weighed by sigmoids; else by softmax.
    float expert_weights_scale = 1;
    uint32_t dense_layers = 0;                     ///< Of a mixture the first so many have no experts.
    uint32_t shared_feed_forward = 0;              ///< Of experts that take all tokens, together; 0: there are none.
    uint32_t expert_groups = 1, expert_groups_used = 1; ///< ExpertRouting::groups.
    RopeParameters rope, local_rope;               ///< The latter without dims: no layer has it.
    uint32_t token_types = 0;                      ///< Of which texts are the first; 0: nothing is added for it.
    quant_pooling pooling = QUANT_POOLING_LAST;    ///< What embeddings were trained with.
    uint32_t embedding_context = 0;                ///< Tokens of a text they were trained with at most.

    LatentAttention latent;
    uint32_t conv_taps = 0;                        ///< 0: no layer convolves.

    uint32_t q_width() const { return heads * head_dim; }
    uint32_t kv_width() const { return kv_heads * head_dim; }
    uint32_t value_dim() const { return latent.rank != 0 ? latent.rank : head_dim; } ///< Of a head, as it is kept.
    uint32_t value_width() const { return kv_heads * value_dim(); }
    /// Of what the file's matrix makes queries of.
    uint32_t query_width() const {
        return latent.rank != 0 ? heads * (latent.plain_dims + latent.rope_dims) : q_width();
    }
    bool convolves(uint32_t layer) const { return conv_taps != 0 && attention[layer].convolves; }
    /// Whether a layer has a router and experts.
    bool mixes(uint32_t layer) const { return experts != 0 && layer >= dense_layers; }
    /// Of what attention gathers, which attention_output reads.
    uint32_t attended_width() const { return latent.rank != 0 ? heads * latent.value_dims : q_width(); }
};

/// Limits on what a file may claim; far above any real model, far below overflow.
inline constexpr uint64_t max_layers = 1024, max_heads = 4096, max_width = 1 << 20, max_vocabulary = 1 << 24,
                          max_experts = 4096, max_conv_taps = 64, max_context = 1 << 28, max_token_types = 1024;

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

} // namespace quant
