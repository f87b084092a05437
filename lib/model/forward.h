// The forward pass of the Llama family: tokens in, logits out, for one sequence.
#pragma once

#include "kernel/activations.h"
#include "machine/worker_pool.h"
#include "model/kv_cache.h"
#include "model/model.h"

#include <span>
#include <vector>

namespace quant {

/// Scratch memory and the pass itself. One thread at a time; the pool does the work.
class Forward {
public:
    /// Tokens worked on together at most; more are cut into such batches.
    static constexpr size_t batch = 512;

    Forward(const Model &model, WorkerPool &pool, Activations activations = Activations::f32);

    /// Run `tokens`, which stand at positions `position` ... in the cache, and write
    /// the logits of the last `logit_rows` of them: logit_rows x vocabulary floats.
    /// The caller has checked ids and room.
    void run(KvCache &cache, std::span<const int32_t> tokens, uint32_t position, size_t logit_rows, float *logits);

private:
    void run_batch(KvCache &cache, std::span<const int32_t> tokens, uint32_t position);
    void attention_block(const Layer &layer, uint32_t index, KvCache &cache, size_t tokens, uint32_t position);
    void ffn_block(const Layer &layer, size_t tokens);
    void multiply(const Linear &linear, const float *x, size_t tokens, float *y, size_t y_stride);
    void multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride);
    void normalize(const std::vector<float> &weight, const float *x, float *y, size_t tokens);
    void fill_rope(size_t tokens, uint32_t position);
    template <class Body> void for_tokens(size_t tokens, const Body &body);

    const Model &model_;
    WorkerPool &pool_;
    Activations activations_;
    std::vector<float> x_, normed_, q_, attended_, gate_, up_, projected_, rounded_; ///< tokens x width each.
    std::vector<float> cosines_, sines_;                                  ///< tokens x rope.dims / 2.
};

} // namespace quant
