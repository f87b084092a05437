#include "model/layer_pass.h"

#include "kernel/ops.h"
#include "model/rope_scaling.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace quant {

namespace {

/// Products of an adapter that are worth waking workers for, and rows of its matrix that one takes at a time.
constexpr size_t least_spread = 1 << 15, adapter_rows = 512;

} // namespace

LayerPass::LayerPass(const Hyperparameters &h, WorkerPool &pool, Activations activations)
    : h_(h),
      pool_(pool),
      activations_(activations),
      global_(rotation_of(h.rope)),
      local_(rotation_of(h.local_rope)) {}

LayerPass::Rotation LayerPass::rotation_of(const RopeParameters &rope) {
    return {rope, rope_frequencies(rope, rope.divisors), rope_frequencies(rope, rope.long_divisors), {}, {}};
}

// What a sequence's numbers are does not depend on what it is run with: how many tokens it has itself decides.
bool LayerPass::few(size_t tokens) const { return tokens <= most_panel_tokens || few_each_; }

void LayerPass::place(std::span<const PlacedTokens> sequences) {
    placed_.assign(sequences.begin(), sequences.end());
    sequences_.clear();
    size_t tokens = 0, longest = 0;
    for (const PlacedTokens &s : sequences)
        tokens = std::max(tokens, s.first + s.tokens), longest = std::max(longest, s.tokens);
    few_each_ = longest <= most_panel_tokens && tokens <= most_few_tokens;
    for (const PlacedTokens &s : sequences) {
        sequences_.push_back({s.cache->pages(), s.first, s.tokens, s.position});
        place(global_, s, tokens), place(local_, s, tokens);
    }
}

void LayerPass::place(Rotation &rotation, const PlacedTokens &s, size_t tokens) {
    const RopeParameters &rope = rotation.rope;
    const std::vector<double> &frequencies = rope.changes_at(s.length) ? rotation.far : rotation.near;
    const size_t half = frequencies.size();
    float *cosines = grown(rotation.cosines, tokens * half), *sines = grown(rotation.sines, tokens * half);
    for_tokens(s.tokens, [&](size_t t) {
        for (size_t i = 0; i < half; i++) {
            const double angle = (s.position + static_cast<double>(t)) * frequencies[i];
            cosines[(s.first + t) * half + i] = static_cast<float>(std::cos(angle) * rope.magnitude);
            sines[(s.first + t) * half + i] = static_cast<float>(std::sin(angle) * rope.magnitude);
        }
    });
}

void LayerPass::scale_embeddings(float *x, size_t tokens) {
    if (h_.embedding_scale == 1) return;
    for (size_t i = 0; i < tokens * h_.embedding; i++) x[i] *= h_.embedding_scale;
}

void LayerPass::finish_logits(float *logits, size_t tokens) {
    if (h_.logit_divisor == 1 && h_.logit_cap == 0) return;
    for_tokens(tokens, [&](size_t t) {
        float *row = logits + t * h_.vocabulary;
        if (h_.logit_divisor != 1)
            for (size_t i = 0; i < h_.vocabulary; i++) row[i] /= h_.logit_divisor;
        if (h_.logit_cap != 0) vector_ops().soft_cap(row, h_.logit_cap, h_.vocabulary);
    });
}

const float *LayerPass::attention_input(const Layer &layer, const float *x, size_t tokens, float *y) {
    if (!h_.style.norms_before) return x;
    normalize(layer.attention_norm, x, tokens, y);
    return y;
}

const float *LayerPass::ffn_input(const Layer &layer, const float *x, size_t tokens, float *y) {
    if (!h_.style.norms_before) return x;
    normalize(layer.ffn_norm, x, tokens, y);
    return y;
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
void LayerPass::rotate(const LayerAttention &style, const KvCache &cache, size_t tokens) {
    const Rotation &rotation = style.local_rope ? local_ : global_;
    const bool interleaved = rotation.rope.style == RopeStyle::interleaved;
    const size_t half = style.rotated ? rotation.rope.dims / 2 : 0;
    if (half == 0 && !cache.rotates_keys()) return;
    for_tokens(tokens, [&](size_t t) {
        RopeArgs args{q_.data() + t * h_.q_width(),
                      h_.q_width(),
                      1,
                      h_.heads,
                      h_.head_dim,
                      2 * half,
                      interleaved,
                      rotation.cosines.data() + t * half,
                      rotation.sines.data() + t * half};
        if (half != 0) rope(args);
        args.x = k_.data() + t * h_.kv_width();
        args.x_stride = h_.kv_width();
        args.heads = h_.kv_heads;
        if (half != 0) rope(args);
        if (!cache.rotates_keys()) return;
        hadamard(q_.data() + t * h_.q_width(), h_.q_width(), cache.rotation());
        hadamard(k_.data() + t * h_.kv_width(), h_.kv_width(), cache.rotation());
    });
}

void LayerPass::attend(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y) {
    if (h_.convolves(index)) return convolve(layer, index, x, tokens, y);
    if (h_.latent.rank != 0) attend_latent(layer, index, x, tokens, y);
    else attend_plain(layer, index, x, tokens, y);
    if (layer.attention_sub_norm.empty()) return;
    const size_t width = h_.attended_width();
    for_tokens(tokens, [&](size_t t) {
        float *row = y + t * width;
        vector_ops().rms_norm(row, layer.attention_sub_norm.data(), h_.norm_epsilon, row, width);
    });
}

// Inputs of the kernel go through the cache, so that they are rounded alike whenever they are used.
void LayerPass::convolve(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y) {
    const size_t width = h_.embedding, taps = h_.conv_taps;
    float *parts = grown(q_, tokens * 3 * width);
    multiply({{&layer.conv.in, parts, 3 * width}}, x, tokens);
    for_tokens(tokens, [&](size_t t) {
        const float *in = parts + t * 3 * width + 2 * width;
        float *gated = parts + t * 3 * width;
        for (size_t i = 0; i < width; i++) gated[i] *= in[i];
    });
    for (const PlacedTokens &s : placed_)
        for_tokens(s.tokens, [&](size_t t) {
            s.cache->store_inputs(index, s.position + static_cast<uint32_t>(t), parts + (s.first + t) * 3 * width);
        });
    for (const PlacedTokens &s : placed_)
        for_tokens(s.tokens, [&](size_t t) {
            const float *gate = parts + (s.first + t) * 3 * width + width;
            float *out = y + (s.first + t) * width, *past = parts + (s.first + t) * 3 * width;
            std::fill_n(out, width, 0.0f);
            const size_t position = s.position + t;
            for (size_t k = 0; k < taps && k <= position; k++) { // Tokens back.
                s.cache->load_inputs(index, static_cast<uint32_t>(position - k), past);
                for (size_t i = 0; i < width; i++) out[i] += layer.conv.kernel[i * taps + taps - 1 - k] * past[i];
            }
            for (size_t i = 0; i < width; i++) out[i] *= gate[i];
        });
}

void LayerPass::attend_plain(const Layer &layer, uint32_t index, const float *x, size_t tokens, float *y) {
    const size_t q_width = h_.q_width(), kv_width = h_.kv_width();
    float *q = grown(q_, tokens * q_width), *k = grown(k_, tokens * kv_width), *v = grown(v_, tokens * kv_width);
    multiply({{&layer.q, q, q_width}, {&layer.k, k, kv_width}, {&layer.v, v, kv_width}}, x, tokens);
    normalize_heads(layer.q_norm, q, q_width, h_.heads, tokens);
    normalize_heads(layer.k_norm, k, kv_width, h_.kv_heads, tokens);
    gather(layer, index, tokens, y);
}

void LayerPass::gather(const Layer &layer, uint32_t index, size_t tokens, float *y) {
    const size_t q_width = h_.q_width(), kv_width = h_.kv_width(), value_width = h_.value_width();
    const float *q = q_.data(), *k = k_.data(), *v = v_.data();
    const KvCache &any = *placed_.front().cache;
    const LayerAttention &style = h_.attention[index];
    rotate(style, any, tokens);
    const uint32_t kept = any.place_of(index);
    for (const PlacedTokens &s : placed_)
        for_tokens(s.tokens, [&](size_t t) {
            const size_t at = s.first + t;
            s.cache->store(kept, s.position + static_cast<uint32_t>(t), 1, k + at * kv_width, v + at * value_width);
        });

    AttentionArgs args{};
    args.q = q;
    args.q_stride = q_width;
    args.out = y;
    args.out_stride = size_t{h_.heads} * h_.value_dim();
    args.value_dim = h_.value_dim();
    args.sinks = layer.sinks.empty() ? nullptr : layer.sinks.data();
    args.sequences = sequences_;
    args.layout = any.layout();
    args.keys_at = any.keys_at(kept);
    args.values_at = any.values_at(kept);
    args.heads = h_.heads;
    args.kv_heads = h_.kv_heads;
    args.head_dim = h_.head_dim;
    args.sliding_window = style.window;
    args.logit_softcap = h_.attention_cap;
    args.bidirectional = !h_.style.causal;
    args.scale = h_.attention_scale;
    // Where a prompt's activations are rounded to bytes for speed alone; what is measured stays exact.
    args.whole_numbers = activations_ == Activations::int8_of_many;
    attention(args, pool_);
}

void LayerPass::normalize_heads(const std::vector<float> &weight, float *x, size_t x_stride, size_t heads,
                                size_t tokens) {
    if (weight.empty()) return;
    if (h_.style.query_norm == QueryNorm::whole)
        return for_tokens(tokens, [&](size_t t) {
            float *row = x + t * x_stride;
            vector_ops().rms_norm(row, weight.data(), h_.norm_epsilon, row, heads * h_.head_dim);
        });
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
        activate(gate, up + t * width, width);
        if (!unit.sub_norm.empty())
            vector_ops().rms_norm(gate, unit.sub_norm.data(), h_.norm_epsilon, gate, width);
    });
}

void LayerPass::activate(float *gate, const float *up, size_t width) const {
    switch (h_.style.activation) {
    case Activation::clamped_swiglu:
        return vector_ops().clamped_swiglu(gate, up, gate_limit, gate, width);
    case Activation::relu_squared:
        return vector_ops().relu_squared_multiply(gate, up, gate, width);
    case Activation::gelu_tanh:
        return vector_ops().gelu_tanh_multiply(gate, up, gate, width);
    default:
        return vector_ops().silu_multiply(gate, up, gate, width);
    }
}

void LayerPass::add_shared_experts(const Layer &layer, const float *in, size_t tokens, float *sum) {
    float *hidden = grown(hidden_, tokens * h_.shared_feed_forward), *projected = grown(projected_, tokens * h_.embedding);
    gate(layer.shared, in, tokens, hidden);
    multiply({{&layer.shared.down, projected, h_.embedding}}, hidden, tokens);
    for_tokens(tokens,
               [&](size_t t) { vector_ops().add(projected + t * h_.embedding, sum + t * h_.embedding, h_.embedding); });
}

std::vector<ExpertTokens> LayerPass::route(const Layer &layer, const float *x, size_t tokens) {
    std::vector<float> logits(tokens * h_.experts);
    // Near ties decide between experts: the router's input is never rounded.
    matmul(layer.router.weight, x, tokens, h_.embedding, logits.data(), h_.experts, pool_);
    if (!layer.router.bias.empty())
        for (size_t t = 0; t < tokens; t++)
            vector_ops().add(layer.router.bias.data(), logits.data() + t * h_.experts, h_.experts);
    return route_tokens(logits, tokens, {h_.experts, h_.experts_used, h_.expert_sigmoid, h_.expert_weights_sum_to_one,
                                         h_.expert_weights_scale, h_.expert_groups, h_.expert_groups_used},
                        layer.choice_bias);
}

void LayerPass::add_experts(const Layer &layer, const std::vector<ExpertTokens> &routes, const float *in, size_t tokens,
                            float *x, const ExpertObserver &observer) {
    const size_t width = h_.embedding;
    // What needs no more than adding is added at once.
    const bool plain = !h_.style.norms_of_results && h_.residual_scale == 1;
    float *sum = plain ? x : grown(results_, tokens * width);
    if (!plain) std::fill_n(sum, tokens * width, 0.0f);
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
            vector_ops().axpy(route.weights[i], projected + i * width, sum + route.tokens[i] * width, width);
    }
    if (layer.shared.up.weight) add_shared_experts(layer, in, tokens, sum);
    if (!plain)
        add_result(layer.ffn_result_norm, layer.output_norm, sum, tokens, x);
    else if (h_.style.norms_after)
        normalize(layer.output_norm, x, tokens);
}

void LayerPass::add_attention(const Layer &layer, const float *in, size_t tokens, float *x) {
    float *projected = grown(projected_, tokens * h_.embedding);
    const Linear &last = layer.conv.out.weight ? layer.conv.out : layer.attention_output;
    multiply({{&last, projected, h_.embedding}}, in, tokens);
    add_result(layer.attention_result_norm, layer.attention_output_norm, projected, tokens, x);
}

void LayerPass::add_feed_forward(const Layer &layer, const float *in, size_t tokens, float *x) {
    float *projected = grown(projected_, tokens * h_.embedding);
    multiply({{&layer.ffn.down, projected, h_.embedding}}, in, tokens);
    add_result(layer.ffn_result_norm, layer.output_norm, projected, tokens, x);
}

// x = norm(x + scale * norm(result)), of which most models have neither norm nor scale.
void LayerPass::add_result(const std::vector<float> &result_norm, const Norm &sum_norm, float *result, size_t tokens,
                           float *x) {
    if (h_.style.norms_of_results) normalize(result_norm, result, tokens, result);
    for_tokens(tokens, [&](size_t t) {
        const float *row = result + t * h_.embedding;
        float *sum = x + t * h_.embedding;
        if (h_.residual_scale == 1)
            vector_ops().add(row, sum, h_.embedding);
        else
            vector_ops().axpy(h_.residual_scale, row, sum, h_.embedding);
    });
    if (h_.style.norms_after) normalize(sum_norm, x, tokens);
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
    for (const PlacedTokens &s : placed_) {
        if (!s.adapters) continue;
        for (const Product &p : products) {
            if (!p.linear->of) continue;
            const size_t cols = p.linear->weight.cols();
            add_adapters(*s.adapters, *p.linear->of, x + s.first * cols, s.tokens, p.y + s.first * p.y_stride, p.y_stride);
        }
    }
}

void LayerPass::add_adapters(const AdapterSet &adapters, RoleOfTensor of, const float *x, size_t tokens, float *y,
                             size_t y_stride) {
    // Little is done by one worker, who is there already.
    const auto spread = [&](size_t count, size_t each, const auto &body) {
        if (count * each < least_spread) return body(0, count, 0);
        pool_.parallel_for(count, least_spread / 4 / each + 1, body);
    };
    for (const auto &[adapter, scale] : adapters) {
        const AdapterPair *pair = adapter->find(of);
        if (!pair) continue;
        const size_t rank = pair->rank, cols = pair->a.size() / rank, rows = pair->b.size() / rank;
        const float factor = scale * pair->factor;
        float *low = grown(low_, tokens * rank);
        spread(tokens * rank, cols, [&](size_t begin, size_t end, unsigned) {
            for (size_t i = begin; i < end; i++)
                low[i] = factor * vector_ops().dot(pair->a.data() + i % rank * cols, x + i / rank * cols, cols);
        });
        const size_t pieces = (rows + adapter_rows - 1) / adapter_rows;
        spread(tokens * pieces, rank * adapter_rows, [&](size_t begin, size_t end, unsigned) {
            for (size_t i = begin; i < end; i++) {
                const size_t t = i / pieces, row = i % pieces * adapter_rows, n = std::min(adapter_rows, rows - row);
                for (size_t r = 0; r < rank; r++)
                    vector_ops().axpy(low[t * rank + r], pair->b.data() + r * rows + row, y + t * y_stride + row, n);
            }
        });
    }
}

void LayerPass::multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride) {
    const MatrixProduct product{&weight, y, y_stride};
    multiply({&product, 1}, x, tokens);
}

// Each by itself where its matrix has its columns in another order.
bool LayerPass::multiply_reordered(std::span<const MatrixProduct> products, const float *x, size_t tokens) {
    if (std::none_of(products.begin(), products.end(), [](const MatrixProduct &p) { return p.w->columns(); }))
        return false;
    for (const MatrixProduct &p : products) {
        const float *in = x;
        if (const std::vector<uint32_t> *columns = p.w->columns()) {
            float *gathered = grown(reordered_, tokens * columns->size());
            gather_columns(*columns, x, tokens, gathered);
            in = gathered;
        }
        multiply_ordered({&p, 1}, in, tokens);
    }
    return true;
}

void LayerPass::multiply(std::span<const MatrixProduct> products, const float *x, size_t tokens) {
    if (!multiply_reordered(products, x, tokens)) multiply_ordered(products, x, tokens);
}

// Together where one kernel takes all of them: x is then rounded once, and workers wait for each other once.
void LayerPass::multiply_ordered(std::span<const MatrixProduct> products, const float *x, size_t tokens) {
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
        for (const MatrixProduct &p : products) multiply_ordered({&p, 1}, x, tokens);
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
