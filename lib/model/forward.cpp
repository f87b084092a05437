#include "model/forward.h"

#include "kernel/ops.h"

#include <algorithm>
#include <cmath>

namespace quant {

Forward::Forward(const Model &model, WorkerPool &pool, Activations activations)
    : model_(model), pool_(pool), activations_(activations) {}

template <class Body>
void Forward::for_tokens(size_t tokens, const Body &body) {
    if (tokens == 1) return body(0);
    pool_.parallel_for(tokens, 8, [&](size_t begin, size_t end, unsigned) {
        for (size_t t = begin; t < end; t++) body(t);
    });
}

void Forward::run(KvCache &cache, std::span<const int32_t> tokens, uint32_t position, size_t logit_rows,
                  float *logits) {
    const Hyperparameters &h = model_.hyperparameters();
    const size_t first_logit = tokens.size() - logit_rows;
    for (size_t done = 0; done < tokens.size(); done += batch) {
        const size_t count = std::min(batch, tokens.size() - done);
        run_batch(cache, tokens.subspan(done, count), position + static_cast<uint32_t>(done));
        const size_t skip = first_logit > done ? std::min(count, first_logit - done) : 0;
        if (skip == count) continue;
        const size_t wanted = count - skip;
        const size_t row = done + skip - first_logit;
        normalize(model_.output_norm(), x_.data() + skip * h.embedding, normed_.data(), wanted);
        multiply(model_.output(), normed_.data(), wanted, logits + row * h.vocabulary, h.vocabulary);
    }
}

void Forward::run_batch(KvCache &cache, std::span<const int32_t> tokens, uint32_t position) {
    const Hyperparameters &h = model_.hyperparameters();
    const size_t n = tokens.size();
    const auto grow = [n](std::vector<float> &v, size_t width) { v.resize(std::max(v.size(), n * width)); };
    grow(x_, h.embedding), grow(normed_, h.embedding), grow(projected_, h.embedding);
    grow(q_, h.q_width()), grow(attended_, h.q_width());
    grow(gate_, h.feed_forward), grow(up_, h.feed_forward);
    fill_rope(n, position);

    for_tokens(n, [&](size_t t) {
        model_.embedding().decode_row(static_cast<uint64_t>(tokens[t]), x_.data() + t * h.embedding);
    });
    for (uint32_t i = 0; i < h.layers; i++) {
        attention_block(model_.layers()[i], i, cache, n, position);
        ffn_block(model_.layers()[i], n);
    }
}

// x += attention(norm(x)). Keys and values are computed straight into the cache.
void Forward::attention_block(const Layer &layer, uint32_t index, KvCache &cache, size_t tokens, uint32_t position) {
    const Hyperparameters &h = model_.hyperparameters();
    float *keys = cache.keys(index) + size_t{position} * cache.stride();
    float *values = cache.values(index) + size_t{position} * cache.stride();
    normalize(layer.attention_norm, x_.data(), normed_.data(), tokens);
    multiply(layer.q, normed_.data(), tokens, q_.data(), h.q_width());
    multiply(layer.k, normed_.data(), tokens, keys, cache.stride());
    multiply(layer.v, normed_.data(), tokens, values, cache.stride());

    const bool interleaved = h.rope.style == RopeStyle::interleaved;
    const size_t half = h.rope.dims / 2;
    for_tokens(tokens, [&](size_t t) {
        RopeArgs args{q_.data() + t * h.q_width(), h.q_width(), 1, h.heads, h.head_dim, h.rope.dims, interleaved,
                      cosines_.data() + t * half, sines_.data() + t * half};
        rope(args);
        args.x = keys + t * cache.stride();
        args.x_stride = cache.stride();
        args.heads = h.kv_heads;
        rope(args);
    });

    AttentionArgs args{};
    args.q = q_.data();
    args.q_stride = h.q_width();
    args.keys = cache.keys(index);
    args.values = cache.values(index);
    args.kv_stride = cache.stride();
    args.out = attended_.data();
    args.out_stride = h.q_width();
    args.tokens = tokens;
    args.first_position = position;
    args.heads = h.heads;
    args.kv_heads = h.kv_heads;
    args.head_dim = h.head_dim;
    args.sliding_window = h.sliding_window;
    args.scale = 1.0f / std::sqrt(static_cast<float>(h.head_dim));
    attention(args, pool_);

    multiply(layer.attention_output, attended_.data(), tokens, projected_.data(), h.embedding);
    for_tokens(tokens, [&](size_t t) {
        vector_ops().add(projected_.data() + t * h.embedding, x_.data() + t * h.embedding, h.embedding);
    });
}

// x += down(silu(gate(norm(x))) * up(norm(x)))
void Forward::ffn_block(const Layer &layer, size_t tokens) {
    const Hyperparameters &h = model_.hyperparameters();
    normalize(layer.ffn_norm, x_.data(), normed_.data(), tokens);
    multiply(layer.gate, normed_.data(), tokens, gate_.data(), h.feed_forward);
    multiply(layer.up, normed_.data(), tokens, up_.data(), h.feed_forward);
    for_tokens(tokens, [&](size_t t) {
        float *gate = gate_.data() + t * h.feed_forward;
        vector_ops().silu_multiply(gate, up_.data() + t * h.feed_forward, gate, h.feed_forward);
    });
    multiply(layer.down, gate_.data(), tokens, projected_.data(), h.embedding);
    for_tokens(tokens, [&](size_t t) {
        vector_ops().add(projected_.data() + t * h.embedding, x_.data() + t * h.embedding, h.embedding);
    });
}

void Forward::multiply(const Linear &linear, const float *x, size_t tokens, float *y, size_t y_stride) {
    multiply(linear.weight, x, tokens, y, y_stride);
    if (linear.bias.empty()) return;
    for_tokens(tokens, [&](size_t t) { vector_ops().add(linear.bias.data(), y + t * y_stride, linear.bias.size()); });
}

void Forward::multiply(const PackedMatrix &weight, const float *x, size_t tokens, float *y, size_t y_stride) {
    const size_t cols = weight.cols();
    if (activations_ == Activations::int8 && weight.encoding().family != Family::floats) {
        rounded_.resize(std::max(rounded_.size(), tokens * cols));
        round_activations(weight.encoding(), x, tokens, cols, rounded_.data(), pool_);
        x = rounded_.data();
    }
    matmul(weight, x, tokens, cols, y, y_stride, pool_);
}

void Forward::normalize(const std::vector<float> &weight, const float *x, float *y, size_t tokens) {
    const Hyperparameters &h = model_.hyperparameters();
    for_tokens(tokens, [&](size_t t) {
        vector_ops().rms_norm(x + t * h.embedding, weight.data(), h.rms_epsilon, y + t * h.embedding, h.embedding);
    });
}

void Forward::fill_rope(size_t tokens, uint32_t position) {
    const std::vector<double> &frequencies = model_.rope_frequencies();
    const size_t half = frequencies.size();
    cosines_.resize(std::max(cosines_.size(), tokens * half));
    sines_.resize(cosines_.size());
    for_tokens(tokens, [&](size_t t) {
        for (size_t i = 0; i < half; i++) {
            const double angle = (position + static_cast<double>(t)) * frequencies[i];
            cosines_[t * half + i] = static_cast<float>(std::cos(angle));
            sines_[t * half + i] = static_cast<float>(std::sin(angle));
        }
    });
}

} // namespace quant
