// The pieces of a decoder layer of the Llama family, for tokens of one sequence. The
// forward pass strings them together; calibration looks at, and changes, what lies
// between them.
#pragma once

#include "kernel/activations.h"
#include "kernel/ops.h"
#include "machine/worker_pool.h"
#include "model/hyperparameters.h"
#include "model/kv_cache.h"
#include "model/model.h"

#include <vector>

namespace quant {

/// Scratch memory and the pieces. Rows of activations are contiguous: tokens x width.
/// One thread at a time; the pool does the work.
class LayerPass {
public:
    /// `frequencies` as Model::rope_frequencies(); both must outlive this.
    LayerPass(const Hyperparameters &h, const std::vector<double> &frequencies, WorkerPool &pool,
              Activations activations);

    /// Positions of the tokens that follow: `position`, `position` + 1, ...
    void place(size_t tokens, uint32_t position);

    /// y = RMS norm of x, times weight.
    void normalize(const std::vector<float> &weight, const float *x, size_t tokens, float *y);

    /// Queries, keys and values of normalized x; keys and values go to `cache` under
    /// `index`. y: tokens x q_width, what attention gathers.
    void attend(const Layer &layer, uint32_t index, KvCache &cache, const float *x, size_t tokens, float *y);

    /// y = silu(gate(x)) * up(x); tokens x feed_forward.
    void gate(const Layer &layer, const float *x, size_t tokens, float *y);

    /// x += linear(in).
    void add_projection(const Linear &linear, const float *in, size_t tokens, float *x);

    /// y = weight * x, rows of y `y_stride` apart.
    void multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride);

private:
    void multiply(const Linear &linear, const float *x, size_t tokens, float *y, size_t y_stride);
    template <class Body> void for_tokens(size_t tokens, const Body &body);

    const Hyperparameters &h_;
    const std::vector<double> &frequencies_;
    WorkerPool &pool_;
    Activations activations_;
    uint32_t position_ = 0;
    std::vector<float> q_, up_, projected_; ///< tokens x width each.
    Int8Scratch int8_;
    std::vector<float> cosines_, sines_;              ///< tokens x rope.dims / 2.
};

} // namespace quant
