// Plain loops; long sums in double, so that the reference is the more exact side of
// every comparison.
#include "kernel/scalar/scalar_kernels.h"

#include <cmath>
#include <limits>

namespace quant::kernel::scalar {

float dot(const float *a, const float *b, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += static_cast<double>(a[i]) * b[i];
    return static_cast<float>(sum);
}

void axpy(float a, const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) y[i] += a * x[i];
}

void add(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) y[i] += x[i];
}

void rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t n) {
    double squares = 0;
    for (size_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
    const auto factor = static_cast<float>(1.0 / std::sqrt(squares / static_cast<double>(n) + epsilon));
    for (size_t i = 0; i < n; ++i) y[i] = x[i] * factor * weight[i];
}

void silu_multiply(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) y[i] = gate[i] / (1.0f + std::exp(-gate[i])) * up[i];
}

float maximum(const float *x, size_t n) {
    float largest = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

void softmax(float *x, float scale, size_t n) {
    for (size_t i = 0; i < n; ++i) x[i] *= scale;
    const float sum = exp_sum(x, maximum(x, n), n);
    for (size_t i = 0; i < n; ++i) x[i] /= sum;
}

float log_sum_exp(const float *x, size_t n) {
    const float largest = maximum(x, n);
    if (!std::isfinite(largest)) return largest;
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += std::exp(static_cast<double>(x[i]) - largest);
    return static_cast<float>(largest + std::log(sum));
}

void divergence_sums(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                     DivergenceSums *out) {
    DivergenceSums sums{};
    for (size_t i = 0; i < n; ++i) {
        const double a = static_cast<double>(x[i]) - x_shift, b = static_cast<double>(base[i]) - base_shift;
        const double p = std::exp(b);
        sums.sum += std::exp(a);
        sums.base_sum += p;
        sums.weighted += p * (b - a);
    }
    *out = sums;
}

void lay_keys(const float *in, size_t rows, size_t dims, float *out) {
    for (size_t d = 0; d < dims; ++d)
        for (size_t lane = 0; lane < key_lanes; ++lane)
            out[d * key_lanes + lane] = lane < rows ? in[lane * dims + d] : 0;
}

void scores(const float *q, size_t rows, size_t dims, const float *keys, size_t panels, float *out,
            size_t out_stride) {
    for (size_t r = 0; r < rows; ++r)
        for (size_t j = 0; j < panels * key_lanes; ++j) {
            const float *key = keys + j / key_lanes * dims * key_lanes + j % key_lanes;
            double sum = 0;
            for (size_t d = 0; d < dims; ++d) sum += static_cast<double>(q[r * dims + d]) * key[d * key_lanes];
            out[r * out_stride + j] = static_cast<float>(sum);
        }
}

float exp_sum(float *x, float maximum, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; ++i) sum += x[i] = std::exp(x[i] - maximum);
    return static_cast<float>(sum);
}

void gemm(const GemmBlock &b) {
    for (size_t t = 0; t < b.tokens; ++t)
        for (size_t r = 0; r < b.rows; ++r) {
            const float sum = dot(b.x + t * b.x_stride, b.w + r * b.w_stride, b.k);
            float &y = b.y[t * b.y_stride + r];
            y = b.accumulate ? y + sum : sum;
        }
}

void weighted_sum(const float *p, size_t p_stride, const float *v, size_t v_stride, size_t positions,
                  const float *keep, float *out, size_t tokens, size_t dims) {
    for (size_t t = 0; t < tokens; ++t) {
        float *to = out + t * dims;
        for (size_t d = 0; d < dims; ++d) to[d] *= keep[t];
        for (size_t j = 0; j < positions; ++j) axpy(p[t * p_stride + j], v + j * v_stride, to, dims);
    }
}

} // namespace quant::kernel::scalar
