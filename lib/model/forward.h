// The forward pass: tokens in, logits or the last layer's states out, for one or more sequences.
#pragma once

#include "model/architecture.h"
#include "model/layer_pass.h"

#include <functional>
#include <span>
#include <vector>

namespace quant {

/// What goes into matrices: `x` is tokens x the role's columns. Of matrices that share their
/// input the first is named: attention_q, attention_output, ffn_gate, ffn_down; expert_gate,
/// expert_down; and output, of layer 0.
struct ObservedInput {
    Role role;
    uint32_t layer;
    uint32_t expert; ///< 0 where there are none.
    const float *x;
    size_t tokens;
};
using InputObserver = std::function<void(const ObservedInput &)>;

/// The next tokens of a sequence, and where the logits of the last `logit_rows` of them go: logit_rows x
/// vocabulary floats. Tokens stand at `position` ... in the cache.
struct SequenceRun {
    KvCache *cache;
    std::span<const int32_t> tokens;
    uint32_t position;
    size_t logit_rows;
    float *logits;
    float *states = nullptr; ///< Where the states of all of them go, behind the last norm: tokens x embedding floats.
    const AdapterSet *adapters = nullptr; ///< That it runs with, of this model; null: none.
};

/// Scratch memory and the pass itself. One thread at a time; the pool does the work.
class Forward {
public:
    /// Tokens worked on together at most; more are cut into such batches. An encoder's sequences stay whole.
    static constexpr size_t batch = 512;

    Forward(const Model &model, WorkerPool &pool, Activations activations = Activations::f32);

    void observe(InputObserver observer) { observer_ = std::move(observer); }

    /// Run the tokens of all, which share the reading of weights. The caller has checked ids and
    /// room; no cache may come twice, and all are of one layout. Throws Error (QUANT_ERR_NO_MEMORY).
    void run(std::span<const SequenceRun> sequences);

    /// Of one.
    void run(KvCache &cache, std::span<const int32_t> tokens, uint32_t position, size_t logit_rows, float *logits);

private:
    /// A piece of a sequence's run that is in the batch.
    struct Piece {
        const SequenceRun *of;
        size_t begin, first, tokens; ///< Where in the sequence's tokens, and in the batch's.
        size_t wanted() const;       ///< Its last so many tokens have logits.
    };
    void run_batch(std::span<const Piece> pieces, size_t tokens);
    void embed(std::span<const Piece> pieces, size_t tokens);
    void write_logits(std::span<const Piece> pieces);
    void write_states(std::span<const Piece> pieces);
    void run_layer(const Layer &layer, uint32_t index, size_t tokens);
    void run_experts(const Layer &layer, uint32_t index, const float *in, size_t tokens);
    void tell(Role role, uint32_t layer, const float *x, size_t tokens) const {
        if (observer_) observer_({role, layer, 0, x, tokens});
    }

    const Model &model_;
    LayerPass pass_;
    InputObserver observer_;
    std::vector<float> x_, normed_, attended_, gated_, logits_; ///< tokens x width each.
};

} // namespace quant
