#include "model/forward.h"

#include <algorithm>

namespace quant {

Forward::Forward(const Model &model, WorkerPool &pool, Activations activations)
    : model_(model), pass_(model.hyperparameters(), model.rope_frequencies(), pool, activations) {}

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
        pass_.normalize(model_.output_norm(), x_.data() + skip * h.embedding, wanted, normed_.data());
        tell(Role::output, 0, normed_.data(), wanted);
        pass_.multiply(model_.output(), normed_.data(), wanted, logits + row * h.vocabulary, h.vocabulary);
    }
}

void Forward::run_batch(KvCache &cache, std::span<const int32_t> tokens, uint32_t position) {
    const Hyperparameters &h = model_.hyperparameters();
    const size_t n = tokens.size();
    const auto grow = [n](std::vector<float> &v, size_t width) { v.resize(std::max(v.size(), n * width)); };
    grow(x_, h.embedding), grow(normed_, h.embedding), grow(attended_, h.q_width()), grow(gated_, h.feed_forward);
    pass_.place(n, position);
    for (size_t t = 0; t < n; t++)
        model_.embedding().decode_row(static_cast<uint64_t>(tokens[t]), x_.data() + t * h.embedding);
    for (uint32_t i = 0; i < h.layers; i++) run_layer(model_.layers()[i], i, cache, n);
}

// x += attention(norm(x)); x += down(silu(gate(norm(x))) * up(norm(x))), or the same of experts.
void Forward::run_layer(const Layer &layer, uint32_t index, KvCache &cache, size_t tokens) {
    pass_.normalize(layer.attention_norm, x_.data(), tokens, normed_.data());
    tell(Role::attention_q, index, normed_.data(), tokens);
    pass_.attend(layer, index, cache, normed_.data(), tokens, attended_.data());
    tell(Role::attention_output, index, attended_.data(), tokens);
    pass_.add_projection(layer.attention_output, attended_.data(), tokens, x_.data());

    pass_.normalize(layer.ffn_norm, x_.data(), tokens, normed_.data());
    if (!layer.experts.empty()) return run_experts(layer, index, tokens);
    tell(Role::ffn_gate, index, normed_.data(), tokens);
    pass_.gate(layer.ffn, normed_.data(), tokens, gated_.data());
    tell(Role::ffn_down, index, gated_.data(), tokens);
    pass_.add_projection(layer.ffn.down, gated_.data(), tokens, x_.data());
}

void Forward::run_experts(const Layer &layer, uint32_t index, size_t tokens) {
    const auto routes = pass_.route(layer, normed_.data(), tokens);
    ExpertObserver observer;
    if (observer_)
        observer = [&](Role role, uint32_t expert, const float *x, size_t n) { observer_({role, index, expert, x, n}); };
    pass_.add_experts(layer, routes, normed_.data(), x_.data(), observer);
}

} // namespace quant
