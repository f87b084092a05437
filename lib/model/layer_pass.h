// The pieces of a layer of the Llama family, or of encoders, for tokens of one or more sequences. The
// forward pass strings them together; calibration looks at, and changes, what lies
// between them.
#pragma once

#include "kernel/activations.h"
#include "kernel/ops.h"
#include "machine/worker_pool.h"
#include "model/architecture.h"
#include "model/expert_routes.h"
#include "model/hyperparameters.h"
#include "model/kv_cache.h"
#include "model/model.h"

#include <functional>
#include <initializer_list>
#include <span>
#include <vector>

namespace quant {

/// Told what goes into the matrices of an expert: tokens x the role's columns, for
/// expert_gate (which expert_up shares) and expert_down.
using ExpertObserver = std::function<void(Role role, uint32_t expert, const float *x, size_t tokens)>;

/// Which of the tokens being worked on are a sequence's next ones.
struct PlacedTokens {
    KvCache *cache;    ///< Has pages for them.
    size_t first;      ///< Counted through all tokens.
    size_t tokens;
    uint32_t position; ///< Of the first.
};

/// Tokens of sequences that have up to most_panel_tokens each, together: each token's numbers are then those of its
/// sequence alone. Of more, rounding to 8 bits is worth it.
inline constexpr size_t most_few_tokens = 64;

/// Scratch memory and the pieces. Rows of activations are contiguous: tokens x width.
/// One thread at a time; the pool does the work.
class LayerPass {
public:
    /// `frequencies` as Model::rope_frequencies(); both must outlive this.
    LayerPass(const Hyperparameters &h, const std::vector<double> &frequencies, WorkerPool &pool,
              Activations activations);

    /// Whose the tokens that follow are, and where they stand. Caches must be of one layout.
    void place(std::span<const PlacedTokens> sequences);

    /// y = RMS norm of x, times weight.
    void normalize(const std::vector<float> &weight, const float *x, size_t tokens, float *y);
    /// x = norm of x, as the model's style has it.
    void normalize(const Norm &norm, float *x, size_t tokens);

    /// Queries, keys and values of normalized x; keys and values go to the caches under
    /// `index`. y: tokens x q_width, what attention gathers.
    void attend(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y);

    /// y = silu(gate(x)) * up(x), or gelu(up(x)); tokens x the width of the unit's hidden layer.
    void gate(const FeedForward &unit, const float *x, size_t tokens, float *y);

    /// Which experts take which tokens of normalized x.
    std::vector<ExpertTokens> route(const Layer &layer, const float *x, size_t tokens);

    /// x += the sum of what the experts make of normalized `in`, by the weights of `routes`.
    void add_experts(const Layer &layer, const std::vector<ExpertTokens> &routes, const float *in, float *x,
                     const ExpertObserver &observer);

    /// x += linear(in).
    void add_projection(const Linear &linear, const float *in, size_t tokens, float *x);

    /// y = weight * x, rows of y `y_stride` apart.
    void multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride);

private:
    /// A product with one of several matrices that read the same x.
    struct Product {
        const Linear *linear;
        float *y;
        size_t y_stride;
    };
    void multiply(std::initializer_list<Product> products, const float *x, size_t tokens);
    void multiply(std::span<const MatrixProduct> products, const float *x, size_t tokens);
    void rotate(const KvCache &cache, size_t tokens);
    void normalize_heads(const std::vector<float> &weight, float *x, size_t x_stride, size_t heads, size_t tokens);
    bool few(size_t tokens) const;
    template <class Body> void for_tokens(size_t tokens, const Body &body);

    const Hyperparameters &h_;
    const std::vector<double> &frequencies_;
    WorkerPool &pool_;
    Activations activations_;
    std::vector<PlacedTokens> placed_;
    bool few_each_ = false; ///< Tokens of each sequence that is placed.
    std::vector<AttentionSequence> sequences_;
    std::vector<float> q_, k_, v_, up_, projected_, gathered_, hidden_; ///< tokens x width each.
    Int8Scratch int8_;
    Bf16Scratch bf16_;
    PlaneScratch planes_;
    std::vector<float> cosines_, sines_; ///< tokens x rope.dims / 2.
};

} // namespace quant
