#include "model/forward.h"

#include <algorithm>

namespace quant {

namespace {

/// Rows of logits that are made together, to be copied where they go; more are worth a pass over the
/// output matrix for each sequence.
constexpr size_t most_gathered_rows = 64;

} // namespace

Forward::Forward(const Model &model, WorkerPool &pool, Activations activations)
    : model_(model),
      pass_(model.hyperparameters(), pool, activations) {}

size_t Forward::Piece::wanted() const {
    const size_t first_logit = of->tokens.size() - of->logit_rows;
    return begin + tokens - std::clamp(first_logit, begin, begin + tokens);
}

void Forward::run(KvCache &cache, std::span<const int32_t> tokens, uint32_t position, size_t logit_rows,
                  float *logits) {
    const SequenceRun one{&cache, tokens, position, logit_rows, logits};
    run({&one, 1});
}

void Forward::run(std::span<const SequenceRun> sequences) {
    for (const SequenceRun &s : sequences) s.cache->reserve(s.position, s.tokens.size());
    std::vector<Piece> pieces;
    size_t tokens = 0; // Of the pieces.
    const auto flush = [&] {
        if (pieces.empty()) return;
        run_batch(pieces, tokens);
        write_logits(pieces);
        write_states(pieces);
        pieces.clear(), tokens = 0;
    };
    const bool whole = !model_.hyperparameters().style.causal;
    for (const SequenceRun &s : sequences)
        for (size_t done = 0; done < s.tokens.size();) {
            if (whole && tokens + s.tokens.size() > batch) flush();
            const size_t count = whole ? s.tokens.size() : std::min(batch - tokens, s.tokens.size() - done);
            pieces.push_back({&s, done, tokens, count});
            done += count, tokens += count;
            if (tokens >= batch) flush();
        }
    flush();
}

void Forward::run_batch(std::span<const Piece> pieces, size_t n) {
    const Hyperparameters &h = model_.hyperparameters();
    const auto grow = [n](std::vector<float> &v, size_t width) { v.resize(std::max(v.size(), n * width)); };
    grow(x_, h.embedding), grow(normed_, h.embedding), grow(attended_, h.attended_width()), grow(gated_, h.feed_forward);
    std::vector<PlacedTokens> placed;
    for (const Piece &p : pieces)
        placed.push_back({p.of->cache, p.first, p.tokens, p.of->position + static_cast<uint32_t>(p.begin),
                          p.of->position + static_cast<uint32_t>(p.of->tokens.size()), p.of->adapters});
    pass_.place(placed);
    embed(pieces, n);
    for (uint32_t i = 0; i < h.layers; i++) run_layer(model_.layers()[i], i, n);
}

void Forward::embed(std::span<const Piece> pieces, size_t tokens) {
    const size_t width = model_.hyperparameters().embedding;
    const std::span<const float> positions = model_.positions();
    for (const Piece &p : pieces)
        for (size_t t = 0; t < p.tokens; t++) {
            float *x = x_.data() + (p.first + t) * width;
            model_.embedding().decode_row(static_cast<uint64_t>(p.of->tokens[p.begin + t]), x);
            if (!positions.empty()) vector_ops().add(positions.data() + (p.of->position + p.begin + t) * width, x, width);
        }
    pass_.scale_embeddings(x_.data(), tokens);
    if (!model_.embedding_norm().weight.empty()) pass_.normalize(model_.embedding_norm(), x_.data(), tokens);
}

void Forward::write_states(std::span<const Piece> pieces) {
    const size_t width = model_.hyperparameters().embedding;
    for (const Piece &p : pieces) {
        if (!p.of->states) continue;
        const float *x = x_.data() + p.first * width;
        float *to = p.of->states + p.begin * width;
        if (model_.output_norm().empty()) std::copy_n(x, p.tokens * width, to);
        else pass_.normalize(model_.output_norm(), x, p.tokens, to);
    }
}

// Of all pieces at once, so that the output matrix is read once.
void Forward::write_logits(std::span<const Piece> pieces) {
    const Hyperparameters &h = model_.hyperparameters();
    size_t rows = 0, with_rows = 0;
    for (const Piece &p : pieces) {
        const size_t wanted = p.wanted();
        if (wanted == 0) continue;
        pass_.normalize(model_.output_norm(), x_.data() + (p.first + p.tokens - wanted) * h.embedding, wanted,
                        normed_.data() + rows * h.embedding);
        rows += wanted, with_rows++;
    }
    if (rows == 0) return;
    tell(Role::output, 0, normed_.data(), rows);
    const auto target = [&](const Piece &p) { // The first row that it writes.
        const size_t row = p.begin + p.tokens - p.wanted() - (p.of->tokens.size() - p.of->logit_rows);
        return p.of->logits + row * h.vocabulary;
    };
    const bool together = with_rows > 1 && rows <= most_gathered_rows;
    if (together) {
        logits_.resize(std::max(logits_.size(), rows * h.vocabulary));
        pass_.multiply(model_.output(), normed_.data(), rows, logits_.data(), h.vocabulary);
    }
    size_t row = 0;
    for (const Piece &p : pieces) {
        const size_t wanted = p.wanted();
        if (wanted == 0) continue;
        if (together) {
            std::copy_n(logits_.data() + row * h.vocabulary, wanted * h.vocabulary, target(p));
        } else {
            pass_.multiply(model_.output(), normed_.data() + row * h.embedding, wanted, target(p), h.vocabulary);
        }
        if (p.of->adapters)
            pass_.add_adapters(*p.of->adapters, {Role::output, 0}, normed_.data() + row * h.embedding, wanted, target(p),
                               h.vocabulary);
        pass_.finish_logits(target(p), wanted);
        row += wanted;
    }
}

void Forward::run_layer(const Layer &layer, uint32_t index, size_t tokens) {
    const float *in = pass_.attention_input(layer, x_.data(), tokens, normed_.data());
    const bool convolves = model_.hyperparameters().convolves(index);
    tell(convolves ? Role::conv_in : Role::attention_q, index, in, tokens);
    pass_.attend(layer, index, in, tokens, attended_.data());
    tell(convolves ? Role::conv_out : Role::attention_output, index, attended_.data(), tokens);
    pass_.add_attention(layer, attended_.data(), tokens, x_.data());

    in = pass_.ffn_input(layer, x_.data(), tokens, normed_.data());
    if (!layer.experts.empty()) return run_experts(layer, index, in, tokens);
    tell(Role::ffn_gate, index, in, tokens);
    pass_.gate(layer.ffn, in, tokens, gated_.data());
    tell(Role::ffn_down, index, gated_.data(), tokens);
    pass_.add_feed_forward(layer, gated_.data(), tokens, x_.data());
}

void Forward::run_experts(const Layer &layer, uint32_t index, const float *in, size_t tokens) {
    const auto routes = pass_.route(layer, in, tokens);
    ExpertObserver observer;
    if (observer_)
        observer = [&](Role role, uint32_t expert, const float *x, size_t n) { observer_({role, index, expert, x, n}); };
    pass_.add_experts(layer, routes, in, tokens, x_.data(), observer);
}

} // namespace quant
