// The forward pass of the Llama family: tokens in, logits out, for one sequence.
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

/// Scratch memory and the pass itself. One thread at a time; the pool does the work.
class Forward {
public:
    /// Tokens worked on together at most; more are cut into such batches.
    static constexpr size_t batch = 512;

    Forward(const Model &model, WorkerPool &pool, Activations activations = Activations::f32);

    void observe(InputObserver observer) { observer_ = std::move(observer); }

    /// Run `tokens`, which stand at positions `position` ... in the cache, and write
    /// the logits of the last `logit_rows` of them: logit_rows x vocabulary floats.
    /// The caller has checked ids and room.
    void run(KvCache &cache, std::span<const int32_t> tokens, uint32_t position, size_t logit_rows, float *logits);

private:
    void run_batch(KvCache &cache, std::span<const int32_t> tokens, uint32_t position);
    void run_layer(const Layer &layer, uint32_t index, KvCache &cache, size_t tokens);
    void run_experts(const Layer &layer, uint32_t index, size_t tokens);
    void tell(Role role, uint32_t layer, const float *x, size_t tokens) const {
        if (observer_) observer_({role, layer, 0, x, tokens});
    }

    const Model &model_;
    LayerPass pass_;
    InputObserver observer_;
    std::vector<float> x_, normed_, attended_, gated_; ///< tokens x width each.
};

} // namespace quant
