// The reference tier: every operation in its plainest form. Faster tiers give the same floats.
#pragma once

#include "kernel/kernel_table.h"
#include "kernel/panel_shape.h"

namespace quant::kernel::scalar {

float dot(const float *a, const float *b, size_t n);
void axpy(float a, const float *x, float *y, size_t n);
void add(const float *x, float *y, size_t n);
void rms_norm(const float *x, const float *weight, float epsilon, float *y, size_t n);
void silu_multiply(const float *gate, const float *up, float *y, size_t n);
void clamped_swiglu(const float *gate, const float *up, float limit, float *y, size_t n);
void relu_squared_multiply(const float *gate, const float *up, float *y, size_t n);
void gelu_tanh_multiply(const float *gate, const float *up, float *y, size_t n);
void layer_norm(const float *x, const float *weight, const float *bias, float epsilon, float *y, size_t n);
void gelu(float *x, size_t n);
void soft_cap(float *x, float cap, size_t n);
void softmax(float *x, float scale, size_t n);
float log_sum_exp(const float *x, size_t n);
void divergence_sums(const float *x, float x_shift, const float *base, float base_shift, size_t n,
                     DivergenceSums *out);
void gemm(const GemmBlock &block);
void lay_keys(const float *in, size_t rows, size_t dims, float *out);
void scores(const float *q, size_t rows, size_t dims, const float *keys, size_t panels, float *out, size_t out_stride);
float exp_sum(float *x, float maximum, size_t n);
void weighted_sum(const float *p, size_t p_stride, const float *v, size_t v_stride, size_t positions,
                  const float *keep, float *out, size_t tokens, size_t dims);
float maximum(const float *x, size_t n);
void quantize_lanes(const PairLanes &lanes);
void quantize_rows(const PairRows &rows);
void pair_scores(const PairScores &scores);
void pair_weigh(const PairWeights &weights);
void pair_add_values(const PairValues &values);
void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out);
void int8_gemm(const Int8Block &block);
void panel_product(const PanelLayout &layout, const PanelProduct &product);
void panel_product(const CodePanelLayout &layout, const PanelProduct &product);
void panel_product(const GridPanelLayout &layout, const PanelProduct &product);
template <quant_encoding Encoding>
void panel_product(const PanelProduct &product) {
    if (const PanelLayout *l = find_panel_layout(Encoding)) return panel_product(*l, product);
    if (const CodePanelLayout *l = find_code_panel_layout(Encoding)) return panel_product(*l, product);
    panel_product(*find_grid_panel_layout(Encoding), product);
}

} // namespace quant::kernel::scalar
