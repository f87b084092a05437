// Statistics of what goes into a matrix: sum of x xᵀ over calibration tokens, the
// Hessian of the matrix's squared output error (for every row the same).
#pragma once

#include "machine/worker_pool.h"

#include <cstddef>
#include <span>
#include <vector>

namespace quant {

/// n x n float32, 4 n² bytes; symmetric after finish().
class SecondMoments {
public:
    explicit SecondMoments(size_t n) : n_(n), sum_(n * n) {}
    /// From its lower triangle, n (n + 1) / 2 values by rows; complete, as after finish().
    SecondMoments(size_t n, std::span<const float> triangle, size_t tokens);

    /// Add `tokens` rows of n values.
    void add(const float *x, size_t tokens, WorkerPool &pool);
    /// Add sum of a xᵀ over tokens instead: no longer symmetric, and finish() must not be called.
    void add_product(const float *a, const float *x, size_t tokens, WorkerPool &pool);
    /// Add another's, which has the same size.
    void add(const SecondMoments &other);
    /// Fill in the half that add() leaves out.
    void finish();

    size_t size() const { return n_; }
    size_t tokens() const { return tokens_; }
    std::span<const float> values() const { return sum_; }
    const float *row(size_t i) const { return sum_.data() + i * n_; }
    double mean_diagonal() const;

private:
    size_t n_, tokens_ = 0;
    std::vector<float> sum_, transposed_, other_;
};

/// H = (I + T) D (I + T)ᵀ with T strictly upper triangular: when columns are rounded
/// from left to right, an error e_j moves the target of column k by e_j T_jk, and D_k
/// is what an error there still costs once all columns after it have made up for it
/// (LDLQ, arXiv 2307.13304; the same as GPTQ, arXiv 2210.17323, without an inverse).
struct Curvature {
    size_t n = 0;
    std::vector<float> h; ///< n x n: the moments with damping on the diagonal.
    std::vector<float> t; ///< n x n, row-major; zero on and below the diagonal.
    std::vector<float> d; ///< n, positive.

    const float *h_row(size_t i) const { return h.data() + i * n; }
    const float *t_row(size_t i) const { return t.data() + i * n; }

    /// In place, v H^-1 for a row of n values.
    void solve(float *v) const;
};

/// `damping` times the mean of the diagonal is added to it, ten times more on each retry
/// where the moments are not positive definite. Throws Error (QUANT_ERR_ARGUMENT) for
/// values that are not finite. `shrink` in [0, 1] scales the off-diagonal by 1 - shrink.
Curvature factor(std::span<const float> moments, size_t n, double damping, double shrink, WorkerPool &pool);

} // namespace quant
