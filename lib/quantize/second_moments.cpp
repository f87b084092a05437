#include "quantize/second_moments.h"

#include "base/error.h"
#include "encoding/cpu_clones.h"
#include "kernel/kernel_table.h"
#include "kernel/ops.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>

namespace quant {

namespace {

constexpr size_t panel = 48;       // Rows of the sum a worker makes at a time.
constexpr size_t tile = 16;        // Of the transposition.
constexpr int most_retries = 6;
constexpr double least_damping = 1e-6;

// dst: n x stride, from src: tokens x n.
void transpose(const float *src, size_t tokens, size_t n, float *dst, size_t stride, WorkerPool &pool) {
    pool.parallel_for((n + tile - 1) / tile, 4, [&](size_t begin, size_t end, unsigned) {
        for (size_t j0 = begin * tile; j0 < std::min(n, end * tile); j0 += tile)
            for (size_t t0 = 0; t0 < tokens; t0 += tile)
                for (size_t j = j0; j < std::min(n, j0 + tile); j++)
                    for (size_t t = t0; t < std::min(tokens, t0 + tile); t++) dst[j * stride + t] = src[t * n + j];
    });
}

QUANT_CPU_CLONES double dot(const double *a, const double *b, size_t n) {
    constexpr size_t lanes = 8, parts = 4; // of sums that do not wait for each other
    using Lanes = double __attribute__((vector_size(lanes * sizeof(double))));
    Lanes sum[parts] = {};
    size_t i = 0;
    for (; i + parts * lanes <= n; i += parts * lanes)
        for (size_t p = 0; p < parts; p++) {
            Lanes x, y;
            std::memcpy(&x, a + i + p * lanes, sizeof x);
            std::memcpy(&y, b + i + p * lanes, sizeof y);
            sum[p] += x * y;
        }
    const Lanes all = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    double total = 0;
    for (; i < n; i++) total += a[i] * b[i];
    for (size_t k = 0; k < lanes; k++) total += all[k];
    return total;
}

// In place on the upper triangle of `u`: afterwards u holds T above the diagonal and D on
// it. From the last column to the first; false where D would not be positive.
bool factor_in_place(std::vector<double> &u, size_t n, WorkerPool &pool) {
    std::vector<double> scaled(n);
    const double least = 1e-12 * std::max(1e-300, std::accumulate(u.begin(), u.end(), 0.0, [](double m, double v) {
                                              return std::max(m, std::abs(v));
                                          }));
    for (size_t j = n; j-- > 0;) {
        double *row = u.data() + j * n;
        const size_t after = n - j - 1;
        for (size_t k = j + 1; k < n; k++) scaled[k] = row[k] * u[k * n + k];
        const double d = row[j] - dot(row + j + 1, scaled.data() + j + 1, after);
        if (!(d > least)) return false;
        row[j] = d;
        pool.parallel_for(j, std::max<size_t>(1, 16384 / (after + 1)), [&](size_t begin, size_t end, unsigned) {
            for (size_t i = begin; i < end; i++) {
                double *upper = u.data() + i * n;
                upper[j] = (upper[j] - dot(upper + j + 1, scaled.data() + j + 1, after)) / d;
            }
        });
    }
    return true;
}

} // namespace

SecondMoments::SecondMoments(size_t n, std::span<const float> triangle, size_t tokens)
    : n_(n), tokens_(tokens), sum_(n * n) {
    for (size_t i = 0; i < n; i++) std::copy_n(triangle.data() + i * (i + 1) / 2, i + 1, sum_.data() + i * n);
    finish();
}

void SecondMoments::add(const float *x, size_t tokens, WorkerPool &pool) {
    if (tokens == 0) return;
    transposed_.resize(std::max(transposed_.size(), n_ * tokens));
    transpose(x, tokens, n_, transposed_.data(), tokens, pool);
    pool.parallel_for((n_ + panel - 1) / panel, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; p++) {
            const size_t first = p * panel, rows = std::min(panel, n_ - first);
            // Columns first .. of rows first ... n: the lower triangle and a little more.
            kernel::active_table().gemm({transposed_.data() + first * tokens, tokens, rows,
                                         transposed_.data() + first * tokens, tokens, n_ - first, tokens,
                                         sum_.data() + first * n_ + first, n_, true});
        }
    });
    tokens_ += tokens;
}

void SecondMoments::add_product(const float *a, const float *x, size_t tokens, WorkerPool &pool) {
    if (tokens == 0) return;
    transposed_.resize(std::max(transposed_.size(), n_ * tokens));
    other_.resize(transposed_.size());
    transpose(a, tokens, n_, transposed_.data(), tokens, pool);
    transpose(x, tokens, n_, other_.data(), tokens, pool);
    pool.parallel_for((n_ + panel - 1) / panel, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; p++) {
            const size_t first = p * panel, columns = std::min(panel, n_ - first);
            kernel::active_table().gemm({other_.data() + first * tokens, tokens, columns, transposed_.data(), tokens,
                                         n_, tokens, sum_.data() + first, n_, true});
        }
    });
    tokens_ += tokens;
}

void SecondMoments::add(const SecondMoments &other) {
    for (size_t i = 0; i < sum_.size(); i++) sum_[i] += other.sum_[i];
    tokens_ += other.tokens_;
}

void SecondMoments::finish() {
    for (size_t i = 0; i < n_; i++)
        for (size_t j = i + 1; j < n_; j++) sum_[i * n_ + j] = sum_[j * n_ + i];
}

double SecondMoments::mean_diagonal() const {
    double sum = 0;
    for (size_t i = 0; i < n_; i++) sum += sum_[i * n_ + i];
    return n_ ? sum / static_cast<double>(n_) : 0;
}

// H = U D Uᵀ with U = I + T: first y' Uᵀ = v from the end, then y U = y' / D from the start.
void Curvature::solve(float *v) const {
    for (size_t j = n; j-- > 0;) v[j] -= vector_ops().dot(v + j + 1, t_row(j) + j + 1, n - j - 1);
    for (size_t j = 0; j < n; j++) v[j] /= d[j];
    for (size_t j = 0; j < n; j++) vector_ops().axpy(-v[j], t_row(j) + j + 1, v + j + 1, n - j - 1);
}

Curvature factor(std::span<const float> moments, size_t n, double damping, double shrink, WorkerPool &pool) {
    double mean = 0;
    for (size_t i = 0; i < n; i++) mean += moments[i * n + i] / static_cast<double>(n);
    if (!std::isfinite(mean)) fail(QUANT_ERR_ARGUMENT, "the second moments of the inputs are not finite");
    if (mean <= 0) mean = 1; // No input was ever seen: all columns count alike.
    std::vector<double> u(n * n);
    Curvature out{n, std::vector<float>(n * n), std::vector<float>(n * n), std::vector<float>(n)};
    for (int attempt = 0; attempt < most_retries; attempt++, damping = std::max(10 * damping, least_damping)) {
        for (size_t i = 0; i < n; i++)
            for (size_t j = 0; j < n; j++)
                u[i * n + j] = i == j ? moments[i * n + j] + damping * mean : moments[i * n + j] * (1 - shrink);
        std::copy(u.begin(), u.end(), out.h.begin());
        if (!factor_in_place(u, n, pool)) continue;
        for (size_t i = 0; i < n; i++) {
            out.d[i] = static_cast<float>(u[i * n + i]);
            for (size_t j = i + 1; j < n; j++) out.t[i * n + j] = static_cast<float>(u[i * n + j]);
        }
        return out;
    }
    fail(QUANT_ERR_ARGUMENT, "the second moments of the inputs are not positive definite");
}

} // namespace quant
