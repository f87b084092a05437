// What an architecture's description leaves open: the numbers of one model.
#pragma once

#include "container/metadata.h"

#include <cstdint>
#include <string>
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

struct Hyperparameters {
    std::string architecture;
    uint32_t layers = 0, embedding = 0, heads = 0, kv_heads = 0, head_dim = 0, feed_forward = 0, vocabulary = 0;
    uint32_t context = 0;
    uint32_t sliding_window = 0; ///< 0: none.
    float rms_epsilon = 0;
    bool qk_norm = false;                          ///< Each head's queries and keys are normalized.
    uint32_t experts = 0, experts_used = 0;        ///< Of a layer, and of those for each token; 0: no mixture.
    uint32_t expert_feed_forward = 0;              ///< Width of an expert's hidden layer.
    bool expert_weights_sum_to_one = true;         ///< Of the experts used; else of all.
    RopeParameters rope;

    uint32_t q_width() const { return heads * head_dim; }
    uint32_t kv_width() const { return kv_heads * head_dim; }
};

/// Limits on what a file may claim; far above any real model, far below overflow.
inline constexpr uint64_t max_layers = 1024, max_heads = 4096, max_width = 1 << 20, max_vocabulary = 1 << 24,
                          max_experts = 4096, max_context = 1 << 28;

/// From GGUF keys ("llama.block_count" ...). Every number is checked against the
/// limits and against the others before anything is divided or allocated by it.
/// Throws Error: QUANT_ERR_UNSUPPORTED (an architecture that is not in the table,
/// which the message lists), QUANT_ERR_MODEL naming file and key.
Hyperparameters read_hyperparameters(const Metadata &metadata);

/// Radians a position for each pair of a head, dims / 2 of them.
std::vector<double> rope_frequencies(const RopeParameters &rope);

/// The divisors of the "llama3" scaling (Llama 3.1): long wavelengths are slowed by
/// `factor`, short ones kept, those between blended.
std::vector<float> llama3_rope_divisors(double base, uint32_t dims, double factor, double low_frequency_factor,
                                        double high_frequency_factor, double original_context);

} // namespace quant
