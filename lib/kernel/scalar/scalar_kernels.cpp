// Plain loops that say in which order floats are added and where they are rounded: every tier gives
// these numbers bit for bit. The compiler makes vectors of them where it can, for each level of the CPU.
#include "kernel/scalar/scalar_kernels.h"

#include "encoding/cpu_clones.h"
#include "kernel/scalar/scalar_lanes.h"

#include <algorithm>
#include <limits>

namespace quant::kernel::scalar {

QUANT_CPU_CLONES float dot(const float *a, const float *b, size_t n) { return lane_dot<2 * lanes>(a, b, n); }

QUANT_CPU_CLONES void axpy(float a, const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) y[i] = fused(a, x[i], y[i]);
}

void add(const float *x, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) y[i] += x[i];
}

void rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t n) {
    const float mean = dot(x, x, n) / static_cast<float>(n);
    const float factor = 1.0f / std::sqrt(mean + epsilon);
    for (size_t i = 0; i < n; ++i) y[i] = x[i] * factor * weight[i];
}

QUANT_CPU_CLONES void silu_multiply(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) y[i] = gate[i] / (1.0f + exp_of(0.0f - gate[i])) * up[i];
}

QUANT_CPU_CLONES void clamped_swiglu(const float *gate, const float *up, float limit, float *y, size_t n) {
    const float unlimited = std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < n; ++i) {
        const float g = between(gate[i], -unlimited, limit), u = between(up[i], 0.0f - limit, limit);
        y[i] = g / (1.0f + exp_of(g * -1.702f)) * (u + 1.0f);
    }
}

QUANT_CPU_CLONES void relu_squared_multiply(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        const float g = gate[i] < 0.0f ? 0.0f : gate[i]; // NaN stays.
        y[i] = g * g * up[i];
    }
}

// x (1 + tanh(u)) / 2 is x / (1 + exp(-2u)); behind 87 exp() has no value.
QUANT_CPU_CLONES void gelu_tanh_multiply(const float *gate, const float *up, float *y, size_t n) {
    for (size_t i = 0; i < n; ++i) {
        const float g = gate[i], twice = g * (1.59576912160573f + 0.0713548162726009f * (g * g));
        const float limited = std::max(-87.0f, std::min(87.0f, twice));
        y[i] = g / (1.0f + exp_of(0.0f - limited)) * up[i];
    }
}

QUANT_CPU_CLONES void layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y,
                                 size_t n) {
    const float mean = lane_sum(x, n) / static_cast<float>(n);
    for (size_t i = 0; i < n; ++i) y[i] = x[i] - mean;
    const float factor = 1.0f / std::sqrt(dot(y, y, n) / static_cast<float>(n) + epsilon);
    for (size_t i = 0; i < n; ++i) y[i] = y[i] * factor * weight[i];
    for (size_t i = 0; i < n; ++i) y[i] += bias[i];
}

QUANT_CPU_CLONES void gelu(float *x, size_t n) {
    for (size_t i = 0; i < n; ++i) x[i] = gelu_of(x[i]);
}

QUANT_CPU_CLONES void soft_cap(float *x, float cap, size_t n) {
    const float twice = 2.0f / cap;
    for (size_t i = 0; i < n; ++i) x[i] = cap * tanh_of_half(x[i] * twice);
}

float maximum(const float *x, size_t n) {
    float largest = -std::numeric_limits<float>::infinity();
    for (size_t i = 0; i < n; ++i) largest = x[i] > largest ? x[i] : largest;
    return largest;
}

namespace {

// Sums of more are added in double, so that a vocabulary's worth of terms keeps its precision.
constexpr size_t exp_stretch = 4096, divergence_stretch = 1024;

void multiply_by(float *x, float factor, size_t n) {
    for (size_t i = 0; i < n; ++i) x[i] *= factor;
}

/// Up to `lanes` values become exp(x - maximum), and are added to the sums.
inline void add_exps(float *x, size_t n, float maximum, float (&sums)[lanes]) {
    for (size_t l = 0; l < n; ++l) {
        x[l] = exp_of(x[l] - maximum);
        sums[l] += x[l];
    }
}

/// The sum over up to exp_stretch values, which become exp(x - maximum).
QUANT_CPU_CLONES float exp_part(float *x, float maximum, size_t n) {
    float sums[lanes] = {};
    size_t i = 0;
    for (; i + lanes <= n; i += lanes) add_exps(x + i, lanes, maximum, sums);
    add_exps(x + i, n - i, maximum, sums);
    return folded(sums);
}

/// The lanes of up to `lanes` logits.
inline void add_divergence(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                           float (&sum)[lanes], float (&base_sum)[lanes], float (&weighted)[lanes]) {
    for (size_t l = 0; l < n; ++l) {
        const float a = x[l] - x_shift, b = base[l] - base_shift, p = exp_of(b);
        sum[l] += exp_of(a);
        base_sum[l] += p;
        weighted[l] = fused(p, b - a, weighted[l]);
    }
}

QUANT_CPU_CLONES void divergence_part(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                                      DivergenceSums *out) {
    float sum[lanes] = {}, base_sum[lanes] = {}, weighted[lanes] = {};
    size_t i = 0;
    for (; i + lanes <= n; i += lanes)
        add_divergence(x + i, x_shift, base + i, base_shift, lanes, sum, base_sum, weighted);
    add_divergence(x + i, x_shift, base + i, base_shift, n - i, sum, base_sum, weighted);
    out->sum += static_cast<double>(folded(sum));
    out->base_sum += static_cast<double>(folded(base_sum));
    out->weighted += static_cast<double>(folded(weighted));
}

} // namespace

float exp_sum(float *x, float maximum, size_t n) {
    double total = 0;
    for (size_t at = 0; at < n; at += exp_stretch)
        total += static_cast<double>(exp_part(x + at, maximum, std::min(exp_stretch, n - at)));
    return static_cast<float>(total);
}

void softmax(float *x, float scale, size_t n) {
    if (scale != 1.0f) multiply_by(x, scale, n);
    const float sum = exp_sum(x, maximum(x, n), n);
    multiply_by(x, 1.0f / sum, n);
}

float log_sum_exp(const float *x, size_t n) {
    const float largest = maximum(x, n);
    if (!std::isfinite(largest)) return largest;
    double total = 0;
    for (size_t at = 0; at < n; at += exp_stretch) {
        float part[exp_stretch];
        const size_t count = std::min(exp_stretch, n - at);
        std::copy_n(x + at, count, part);
        total += static_cast<double>(exp_part(part, largest, count));
    }
    return static_cast<float>(largest + std::log(total));
}

void divergence_sums(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                     DivergenceSums *out) {
    *out = {};
    for (size_t at = 0; at < n; at += divergence_stretch)
        divergence_part(x + at, x_shift, base + at, base_shift, std::min(divergence_stretch, n - at), out);
}

void lay_keys(const float *in, size_t rows, size_t dims, float *out) {
    for (size_t d = 0; d < dims; ++d)
        for (size_t lane = 0; lane < key_lanes; ++lane)
            out[d * key_lanes + lane] = lane < rows ? in[lane * dims + d] : 0;
}

QUANT_CPU_CLONES void scores(const float *q, size_t rows, size_t dims, const float *keys, size_t panels, float *out,
                             size_t out_stride) {
    for (size_t r = 0; r < rows; ++r)
        for (size_t p = 0; p < panels; ++p) {
            const float *key = keys + p * dims * key_lanes;
            float sums[key_lanes] = {};
            for (size_t d = 0; d < dims; ++d)
                for (size_t l = 0; l < key_lanes; ++l) sums[l] = fused(q[r * dims + d], key[d * key_lanes + l], sums[l]);
            std::copy_n(sums, key_lanes, out + r * out_stride + p * key_lanes);
        }
}

QUANT_CPU_CLONES void gemm(const GemmBlock &b) {
    for (size_t t = 0; t < b.tokens; ++t)
        for (size_t r = 0; r < b.rows; ++r) {
            const float sum = lane_dot<lanes>(b.x + t * b.x_stride, b.w + r * b.w_stride, b.k);
            float &y = b.y[t * b.y_stride + r];
            y = b.accumulate ? y + sum : sum;
        }
}

QUANT_CPU_CLONES void weighted_sum(const float *p, size_t p_stride, const float *v, size_t v_stride, size_t positions,
                                   const float *keep, float *out, size_t tokens, size_t dims) {
    for (size_t t = 0; t < tokens; ++t) {
        float *to = out + t * dims;
        for (size_t d = 0; d < dims; ++d) to[d] *= keep[t];
        for (size_t j = 0; j < positions; ++j)
            for (size_t d = 0; d < dims; ++d) to[d] = fused(p[t * p_stride + j], v[j * v_stride + d], to[d]);
    }
}

} // namespace quant::kernel::scalar
