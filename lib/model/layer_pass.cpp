#include "model/layer_pass.h"

#include "kernel/ops.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace quant {

namespace {

float *grown(std::vector<float> &v, size_t size) {
    v.resize(std::max(v.size(), size));
    return v.data();
}

} // namespace

LayerPass::LayerPass(const Hyperparameters &h, const std::vector<double> &frequencies, WorkerPool &pool,
                     Activations activations)
    : h_(h),
      frequencies_(frequencies),
      pool_(pool),
      activations_(activations) {}

// What a sequence's numbers are does not depend on what it is run with: how many tokens it has itself decides.
bool LayerPass::few(size_t tokens) const { return tokens <= most_panel_tokens || few_each_; }

template <class Body> void LayerPass::for_tokens(size_t tokens, const Body &body) {
    if (tokens == 1) return body(0);
    pool_.parallel_for(tokens, 8, [&](size_t begin, size_t end, unsigned) {
        for (size_t t = begin; t < end; t++) body(t);
    });
}

void LayerPass::place(std::span<const PlacedTokens> sequences) {
    placed_.assign(sequences.begin(), sequences.end());
    sequences_.clear();
    size_t tokens = 0, longest = 0;
    for (const PlacedTokens &s : sequences)
        tokens = std::max(tokens, s.first + s.tokens), longest = std::max(longest, s.tokens);
    few_each_ = longest <= most_panel_tokens && tokens <= most_few_tokens;
    const size_t half = frequencies_.size();
    float *cosines = grown(cosines_, tokens * half), *sines = grown(sines_, tokens * half);
    for (const PlacedTokens &s : sequences) {
        sequences_.push_back({s.cache->pages(), s.first, s.tokens, s.position});
        for_tokens(s.tokens, [&](size_t t) {
            for (size_t i = 0; i < half; i++) {
                const double angle = (s.position + static_cast<double>(t)) * frequencies_[i];
                cosines[(s.first + t) * half + i] = static_cast<float>(std::cos(angle));
                sines[(s.first + t) * half + i] = static_cast<float>(std::sin(angle));
            }
        });
    }
}

void LayerPass::normalize(const std::vector<float> &weight, const float *x, size_t tokens, float *y) {
    for_tokens(tokens, [&](size_t t) {
        vector_ops().rms_norm(x + t * h_.embedding, weight.data(), h_.norm_epsilon, y + t * h_.embedding, h_.embedding);
    });
}

void LayerPass::normalize(const Norm &norm, float *x, size_t tokens) {
    if (norm.bias.empty()) return normalize(norm.weight, x, tokens, x);
    for_tokens(tokens, [&](size_t t) {
        float *row = x + t * h_.embedding;
        vector_ops().layer_norm(row, norm.weight.data(), norm.bias.data(), h_.norm_epsilon, row, h_.embedding);
    });
}

// By position, and where keys are stored rotated, by that.
void LayerPass::rotate(const KvCache &cache, size_t tokens) {
    const bool interleaved = h_.rope.style == RopeStyle::interleaved;
    const size_t half = h_.rope.dims / 2;
    if (half == 0 && !cache.rotates_keys()) return;
    for_tokens(tokens, [&](size_t t) {
        RopeArgs args{q_.data() + t * h_.q_width(),
                      h_.q_width(),
                      1,
                      h_.heads,
                      h_.head_dim,
                      h_.rope.dims,
                      interleaved,
                      cosines_.data() + t * half,
                      sines_.data() + t * half};
        rope(args);
        args.x = k_.data() + t * h_.kv_width();
        args.x_stride = h_.kv_width();
        args.heads = h_.kv_heads;
        rope(args);
        if (!cache.rotates_keys()) return;
        hadamard(q_.data() + t * h_.q_width(), h_.q_width(), cache.rotation());
        hadamard(k_.data() + t * h_.kv_width(), h_.kv_width(), cache.rotation());
    });
}

void LayerPass::attend(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y) {
    const size_t q_width = h_.q_width(), kv_width = h_.kv_width();
    float *q = grown(q_, tokens * q_width), *k = grown(k_, tokens * kv_width), *v = grown(v_, tokens * kv_width);
    multiply({{&layer.q, q, q_width}, {&layer.k, k, kv_width}, {&layer.v, v, kv_width}}, x, tokens);
    normalize_heads(layer.q_norm, q, q_width, h_.heads, tokens);
    normalize_heads(layer.k_norm, k, kv_width, h_.kv_heads, tokens);
    const KvCache &any = *placed_.front().cache;
    rotate(any, tokens);
    const uint32_t kept = any.place_of(index);
    for (const PlacedTokens &s : placed_)
        for_tokens(s.tokens, [&](size_t t) {
            const size_t at = (s.first + t) * kv_width;
            s.cache->store(kept, s.position + static_cast<uint32_t>(t), 1, k + at, v + at);
        });

    AttentionArgs args{};
    args.q = q;
    args.q_stride = q_width;
    args.out = y;
    args.out_stride = q_width;
    args.sequences = sequences_;
    args.layout = any.layout();
    args.keys_at = any.keys_at(kept);
    args.values_at = any.values_at(kept);
    args.heads = h_.heads;
    args.kv_heads = h_.kv_heads;
    args.head_dim = h_.head_dim;
    args.sliding_window = h_.sliding_window;
    args.bidirectional = !h_.style.causal;
    args.scale = 1.0f / std::sqrt(static_cast<float>(h_.head_dim));
    // Where a prompt's activations are rounded to bytes for speed alone; what is measured stays exact.
    args.whole_numbers = activations_ == Activations::int8_of_many;
    attention(args, pool_);
}

void LayerPass::normalize_heads(const std::vector<float> &weight, float *x, size_t x_stride, size_t heads,
                                size_t tokens) {
    if (weight.empty()) return;
    for_tokens(tokens, [&](size_t t) {
        for (size_t i = 0; i < heads; i++) {
            float *head = x + t * x_stride + i * h_.head_dim;
            vector_ops().rms_norm(head, weight.data(), h_.norm_epsilon, head, h_.head_dim);
        }
    });
}

void LayerPass::gate(const FeedForward &unit, const float *x, size_t tokens, float *y) {
    const size_t width = unit.up.weight.rows();
    if (!h_.style.gated) {
        multiply({{&unit.up, y, width}}, x, tokens);
        return for_tokens(tokens, [&](size_t t) { vector_ops().gelu(y + t * width, width); });
    }
    float *up = grown(up_, tokens * width);
    multiply({{&unit.gate, y, width}, {&unit.up, up, width}}, x, tokens);
    for_tokens(tokens, [&](size_t t) {
        float *gate = y + t * width;
        vector_ops().silu_multiply(gate, up + t * width, gate, width);
    });
}

std::vector<ExpertTokens> LayerPass::route(const Layer &layer, const float *x, size_t tokens) {
    std::vector<float> logits(tokens * h_.experts);
    // Near ties decide between experts: the router's input is never rounded.
    matmul(layer.router.weight, x, tokens, h_.embedding, logits.data(), h_.experts, pool_);
    return route_tokens(logits, tokens, h_.experts, h_.experts_used, h_.expert_weights_sum_to_one);
}

void LayerPass::add_experts(const Layer &layer, const std::vector<ExpertTokens> &routes, const float *in, float *x,
                            const ExpertObserver &observer) {
    const size_t width = h_.embedding;
    for (size_t e = 0; e < routes.size(); e++) {
        const ExpertTokens &route = routes[e];
        const size_t n = route.tokens.size();
        if (n == 0) continue;
        const FeedForward &expert = layer.experts[e];
        float *gathered = grown(gathered_, n * width), *hidden = grown(hidden_, n * h_.expert_feed_forward);
        for (size_t i = 0; i < n; i++) std::copy_n(in + route.tokens[i] * width, width, gathered + i * width);
        if (observer) observer(Role::expert_gate, static_cast<uint32_t>(e), gathered, n);
        gate(expert, gathered, n, hidden);
        if (observer) observer(Role::expert_down, static_cast<uint32_t>(e), hidden, n);
        float *projected = grown(projected_, n * width);
        multiply({{&expert.down, projected, width}}, hidden, n);
        for (size_t i = 0; i < n; i++)
            vector_ops().axpy(route.weights[i], projected + i * width, x + route.tokens[i] * width, width);
    }
}

void LayerPass::add_projection(const Linear &linear, const float *in, size_t tokens, float *x) {
    float *projected = grown(projected_, tokens * h_.embedding);
    multiply({{&linear, projected, h_.embedding}}, in, tokens);
    for_tokens(tokens,
               [&](size_t t) { vector_ops().add(projected + t * h_.embedding, x + t * h_.embedding, h_.embedding); });
}

void LayerPass::multiply(std::initializer_list<Product> products, const float *x, size_t tokens) {
    std::array<MatrixProduct, most_products> of_weights;
    std::transform(products.begin(), products.end(), of_weights.begin(), [](const Product &p) {
        return MatrixProduct{&p.linear->weight, p.y, p.y_stride};
    });
    multiply(std::span(of_weights).first(products.size()), x, tokens);
    for (const Product &p : products) {
        const std::vector<float> &bias = p.linear->bias;
        if (bias.empty()) continue;
        for_tokens(tokens, [&](size_t t) { vector_ops().add(bias.data(), p.y + t * p.y_stride, bias.size()); });
    }
}

void LayerPass::multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride) {
    const MatrixProduct product{&weight, y, y_stride};
    multiply({&product, 1}, x, tokens);
}

// Together where one kernel takes all of them: x is then rounded once, and workers wait for each other once.
void LayerPass::multiply(std::span<const MatrixProduct> products, const float *x, size_t tokens) {
    const auto all = [&](const auto &is) {
        return std::all_of(products.begin(), products.end(), [&](const MatrixProduct &p) { return is(*p.w); });
    };
    const size_t cols = products[0].w->cols();
    if (few(tokens) && all([](const PackedMatrix &w) { return w.has_panels(); }))
        return matmul_panels(products, x, tokens, cols, planes_, pool_);
    const bool exact = activations_ == Activations::f32 || (activations_ == Activations::int8_of_many && few(tokens));
    if (!exact && all([](const PackedMatrix &w) { return !w.encoding().is_float(); }))
        return matmul_int8(products, x, tokens, cols, int8_, pool_);
    if (products.size() > 1) {
        for (const MatrixProduct &p : products) multiply({&p, 1}, x, tokens);
        return;
    }
    const auto &[w, y, y_stride] = products[0];
    if (!exact && activations_ == Activations::int8_of_many && multiplies_bf16(*w))
        return matmul_bf16(*w, x, tokens, cols, y, y_stride, bf16_, pool_);
    if (activations_ == Activations::int8_always && cols % 32 == 0) {
        const EncodingTraits &usual = encoding_traits(cols % 256 == 0 ? QUANT_Q4_K : QUANT_Q4_0);
        float *rounded = grown(int8_.rounded, tokens * cols);
        round_activations(usual, x, tokens, cols, rounded, pool_);
        x = rounded;
    }
    matmul(*w, x, tokens, cols, y, y_stride, pool_);
}

} // namespace quant
