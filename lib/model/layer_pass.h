// The pieces of a layer of the Llama family, or of encoders, for tokens of one or more sequences. The
// forward pass strings them together; calibration looks at, and changes, what lies
// between them.
#pragma once

#include "kernel/activations.h"
#include "kernel/ops.h"
#include "machine/worker_pool.h"
#include "model/adapter.h"
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
    uint32_t length;   ///< Of the sequence behind all tokens that it is run with: RopeParameters::long_from.
    const AdapterSet *adapters = nullptr; ///< That change their products; null: none.
};

/// Tokens of sequences that have up to most_panel_tokens each, together: each token's numbers are then those of its
/// sequence alone. Of more, rounding to 8 bits is worth it.
inline constexpr size_t most_few_tokens = 64;

/// Scratch memory and the pieces. Rows of activations are contiguous: tokens x width.
/// One thread at a time; the pool does the work.
class LayerPass {
public:
    /// `h` must outlive this.
    LayerPass(const Hyperparameters &h, WorkerPool &pool, Activations activations);

    /// Whose the tokens that follow are, and where they stand. Caches must be of one layout.
    void place(std::span<const PlacedTokens> sequences);

    /// y = RMS norm of x, times weight.
    void normalize(const std::vector<float> &weight, const float *x, size_t tokens, float *y);
    /// x = norm of x, as the model's style has it.
    void normalize(const Norm &norm, float *x, size_t tokens);

    /// x: rows of the embedding, which become what the first layer takes.
    void scale_embeddings(float *x, size_t tokens);
    /// Products with the output matrix, which become logits.
    void finish_logits(float *logits, size_t tokens);

    /// What goes into a layer's blocks: what norms before them make of x, in y; or x itself.
    const float *attention_input(const Layer &layer, const float *x, size_t tokens, float *y);
    const float *ffn_input(const Layer &layer, const float *x, size_t tokens, float *y);

    /// Queries, keys and values of normalized x; keys and values go to the caches under
    /// `index`. y: tokens x attended_width, what attention gathers, or what a convolution makes.
    void attend(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y);

    /// x += what attention_output, or conv.out, makes of `in`, which attend() gathered; with the norms and scale of the model's style.
    void add_attention(const Layer &layer, const float *in, size_t tokens, float *x);

    /// y = activation(gate(x)) * up(x), or activation(up(x)); tokens x the width of the unit's hidden layer.
    void gate(const FeedForward &unit, const float *x, size_t tokens, float *y);

    /// Which experts take which tokens of normalized x.
    std::vector<ExpertTokens> route(const Layer &layer, const float *x, size_t tokens);

    /// x += what ffn.down makes of `in`, which gate() made; with the norms and scale of the model's style.
    void add_feed_forward(const Layer &layer, const float *in, size_t tokens, float *x);

    /// x += the sum of what the experts make of `in`, which is ffn_input(), by the weights of `routes`; likewise.
    void add_experts(const Layer &layer, const std::vector<ExpertTokens> &routes, const float *in, size_t tokens, float *x,
                     const ExpertObserver &observer);

    /// y = weight * x, rows of y `y_stride` apart.
    void multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride);

    /// y += what adapters add to the products of a matrix with x. A token's numbers do not depend on the others.
    void add_adapters(const AdapterSet &adapters, RoleOfTensor of, const float *x, size_t tokens, float *y,
                      size_t y_stride);

private:
    /// A product with one of several matrices that read the same x.
    struct Product {
        const Linear *linear;
        float *y;
        size_t y_stride;
    };
    void multiply(std::initializer_list<Product> products, const float *x, size_t tokens);
    void multiply(std::span<const MatrixProduct> products, const float *x, size_t tokens);
    bool multiply_reordered(std::span<const MatrixProduct> products, const float *x, size_t tokens);
    void multiply_ordered(std::span<const MatrixProduct> products, const float *x, size_t tokens);
    /// Rotary embedding of the tokens placed.
    struct Rotation {
        const RopeParameters &rope;
        std::vector<double> near, far;     ///< Radians a position, the latter of sequences past rope.long_from.
        std::vector<float> cosines, sines; ///< tokens x dims / 2.
    };
    static Rotation rotation_of(const RopeParameters &rope);
    void place(Rotation &rotation, const PlacedTokens &s, size_t tokens);
    void convolve(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y);
    void attend_plain(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y);
    void attend_latent(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y);
    void read_latent(const Layer &layer, const float *x, size_t tokens, float *q, float *kv);
    void absorb_queries(const Layer &layer, const float *in, size_t tokens, float *q);
    /// Of the queries, keys and values in q_, k_ and v_.
    void gather(const Layer &layer, uint32_t index, size_t tokens, float *y);
    void activate(float *gate, const float *up, size_t width) const;
    void add_shared_experts(const Layer &layer, const float *in, size_t tokens, float *sum);
    void rotate(const LayerAttention &style, const KvCache &cache, size_t tokens);
    void normalize_heads(const std::vector<float> &weight, float *x, size_t x_stride, size_t heads, size_t tokens);
    void add_result(const std::vector<float> &result_norm, const Norm &sum_norm, float *result, size_t tokens, float *x);
    bool few(size_t tokens) const;
    template <class Body> void for_tokens(size_t tokens, const Body &body) {
        if (tokens == 1) return body(0);
        pool_.parallel_for(tokens, 8, [&](size_t begin, size_t end, unsigned) {
            for (size_t t = begin; t < end; t++) body(t);
        });
    }
    static float *grown(std::vector<float> &v, size_t size) {
        v.resize(std::max(v.size(), size));
        return v.data();
    }

    const Hyperparameters &h_;
    WorkerPool &pool_;
    Activations activations_;
    std::vector<PlacedTokens> placed_;
    bool few_each_ = false; ///< Tokens of each sequence that is placed.
    std::vector<AttentionSequence> sequences_;
    std::vector<float> q_, k_, v_, up_, projected_, gathered_, hidden_, results_, reordered_; ///< tokens x width each.
    std::vector<float> narrow_, latent_q_, latent_kv_, latent_gathered_; ///< Likewise, of latent attention.
    std::vector<float> low_; ///< tokens x an adapter's rank.
    Int8Scratch int8_;
    Bf16Scratch bf16_;
    PlaneScratch planes_;
    Rotation global_, local_;
};

} // namespace quant
