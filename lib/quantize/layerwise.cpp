// All weights are decoded in GGUF's order of rows, so that what `quantize` returns can
// take a matrix's place at once; the rotation of heads follows that order.
#include "quantize/layerwise.h"

#include "base/error.h"
#include "encoding/matrix_error.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace quant {

namespace {

/// Floats of inputs that are kept.
constexpr size_t most_kept = size_t{1} << 28;

Hyperparameters in_gguf_order(const ModelFile &file) {
    Hyperparameters h = file.hyperparameters();
    const ModelTensor *q = file.find(Role::attention_q, 0);
    if (q && q->permute_heads != 0) h.rope.style = h.local_rope.style = RopeStyle::interleaved;
    return h;
}

Hyperparameters one_layer(Hyperparameters h) {
    h.layers = 1;
    return h;
}

size_t longest(const std::vector<std::vector<int32_t>> &sequences) {
    size_t most = 1;
    for (const auto &s : sequences) most = std::max(most, s.size());
    return most;
}

std::vector<float> decode_vector(const ModelFile &file, Role role, uint32_t layer) {
    const ModelTensor *tensor = file.find(role, layer);
    if (!tensor) return {};
    std::vector<float> out(tensor->elements());
    file.decode_rows(*tensor, 0, 1, out.data());
    return out;
}

} // namespace

std::shared_ptr<const Curvature> InputMoments::curvature(bool with_held, double damping, double shrink,
                                                         WorkerPool &pool) const {
    for (const Factored &f : factored_)
        if (f.with_held == with_held && f.damping == damping && f.shrink == shrink) return f.curvature;
    SecondMoments both{0};
    if (with_held) both = train, both.add(held);
    auto made = std::make_shared<const Curvature>(
        factor(with_held ? both.values() : train.values(), train.size(), damping, shrink, pool));
    if (shared) factored_.push_back({with_held, damping, shrink, made});
    return made;
}

Role first_reader(Role role) {
    switch (role) {
    case Role::attention_k:
    case Role::attention_v:
        return Role::attention_q;
    case Role::ffn_up:
        return Role::ffn_gate;
    case Role::expert_up:
        return Role::expert_gate;
    default:
        return role;
    }
}

bool is_calibrated(Role role) {
    switch (role) {
    case Role::latent_q_heads:
    case Role::latent_key:
    case Role::latent_value:
    case Role::shared_gate:
    case Role::shared_up:
    case Role::shared_down:
        return false;
    default:
        return role_traits(role).quantizes() && role_traits(role).per_layer();
    }
}

LayerwiseCalibration::LayerwiseCalibration(std::shared_ptr<const ModelFile> file,
                                           std::vector<std::vector<int32_t>> sequences, bool with_drift,
                                           WorkerPool &pool)
    : file_(std::move(file)),
      h_(in_gguf_order(*file_)),
      sequences_(std::move(sequences)),
      with_drift_(with_drift),
      pool_(pool),
      pass_(h_, pool, Activations::f32),
      cache_(one_layer(h_), static_cast<uint32_t>(longest(sequences_))) {
    if (!h_.style.causal)
        fail(QUANT_ERR_UNSUPPORTED, "{}: calibrating a model of architecture {} is not supported", file_->metadata().name(),
             h_.architecture);
    const size_t most = longest(sequences_);
    normed_.resize(most * h_.embedding);
    wide_.resize(most * std::max({h_.feed_forward, h_.attended_width(), h_.expert_feed_forward, h_.embedding}));
}

void LayerwiseCalibration::decode(const ModelTensor &tensor, uint64_t matrix, std::vector<float> &weights) const {
    const uint64_t rows = tensor.matrix_rows(), cols = tensor.cols();
    weights.resize(rows * cols);
    pool_.parallel_for(rows, 16, [&](size_t begin, size_t end, unsigned) {
        file_->decode_rows(tensor, matrix * rows + begin, end - begin, weights.data() + begin * cols);
    });
    if (first_not_finite(weights) != weights.size())
        fail(QUANT_ERR_FORMAT, "{}: tensor {}: holds a weight that is not finite", file_->metadata().name(), tensor.name);
}

Linear LayerwiseCalibration::load(Role weight, uint32_t index) {
    Matrix &matrix = matrices_[weight];
    matrix.tensor = file_->find(weight, index);
    if (!matrix.tensor) return {};
    decode(*matrix.tensor, 0, matrix.weights);
    return {PackedMatrix::pack(encoding_traits(QUANT_F32), matrix.tensor->rows(), matrix.tensor->cols(),
                               std::as_bytes(std::span(matrix.weights)), nullptr),
            {}};
}

void LayerwiseCalibration::load_layer(uint32_t index) {
    index_ = index;
    layer_ = {};
    visit_matrices(layer_, [&](Role role, Linear &linear) { linear = load(role, index); });
    visit_vectors(layer_, [&](Role role, std::vector<float> &v) { v = decode_vector(*file_, role, index); });
    if (h_.mixes(index)) layer_.router.weight = borrow_matrix(*file_, *file_->find(Role::router, index), 0);
    layer_.latent.key = borrow_heads(*file_, Role::latent_key, index);
    layer_.latent.value = borrow_heads(*file_, Role::latent_value, index);
    // Experts stay the file's bytes until each is replaced: a layer of them decoded could be
    // larger than memory.
    layer_.experts = borrow_experts(*file_, index);
    base_layer_ = layer_;
}

void LayerwiseCalibration::replace(Linear &linear, const ModelTensor &tensor, uint64_t number,
                                   std::span<const float> weights, const InputMoments &inputs,
                                   const Quantize &quantize) const {
    Replacement made = quantize(tensor, number, weights, inputs);
    if (!made.encoding) return;
    const auto bytes = std::make_shared<const std::vector<std::byte>>(std::move(made.bytes));
    linear.weight = PackedMatrix::pack(*made.encoding, tensor.matrix_rows(), tensor.cols(), *bytes, bytes);
}

template <class Use>
void LayerwiseCalibration::each_sequence(const Use &use) {
    for (size_t s = 0; s < sequences_.size(); s++) {
        const PlacedTokens placed{&cache_, 0, sequences_[s].size(), 0, static_cast<uint32_t>(sequences_[s].size())};
        cache_.reserve(0, placed.tokens);
        pass_.place({&placed, 1});
        use(s, sequences_[s].size());
    }
}

InputMoments LayerwiseCalibration::gather(size_t width, const Input &input, KeptInputs *kept) {
    size_t room = most_kept;
    if (kept) kept->assign(sequences_.size(), {});
    const size_t drift_width = with_drift_ ? width : 0;
    InputMoments m;
    m.train = m.held = SecondMoments(width);
    m.train_drift = m.held_drift = SecondMoments(drift_width);
    std::vector<float> x, base;
    each_sequence([&](size_t s, size_t tokens) {
        const bool held = s >= sequences_.size() - held_of(sequences_.size());
        x.resize(tokens * width), base.resize(tokens * drift_width);
        const size_t rows = input(layer_, x_[s].data(), s, tokens, x.data());
        if (rows == 0) return;
        x.resize(rows * width);
        (held ? m.held : m.train).add(x.data(), rows, pool_);
        const bool keep = kept && x.size() + base.size() <= room;
        if (keep) (*kept)[s].x = x;
        if (with_drift_) input(base_layer_, base_x_[s].data(), s, tokens, base.data());
        base.resize(with_drift_ ? rows * width : 0);
        if (keep) (*kept)[s].base = base, room -= x.size() + base.size();
        if (!with_drift_) return;
        for (size_t i = 0; i < x.size(); i++) base[i] -= x[i];
        (held ? m.held_drift : m.train_drift).add_product(base.data(), x.data(), rows, pool_);
    });
    m.train.finish(), m.held.finish();
    return m;
}

void LayerwiseCalibration::embed() {
    const ModelTensor &tensor = *file_->find(Role::token_embedding, 0);
    x_.clear();
    for (const auto &sequence : sequences_) {
        std::vector<float> rows(sequence.size() * h_.embedding);
        for (size_t t = 0; t < sequence.size(); t++)
            file_->decode_rows(tensor, static_cast<uint64_t>(sequence[t]), 1, rows.data() + t * h_.embedding);
        x_.push_back(std::move(rows));
    }
    if (with_drift_) base_x_ = x_;
    if (embedding_) replace_embeddings();
    for (auto *stream : {&x_, &base_x_})
        for (std::vector<float> &rows : *stream) pass_.scale_embeddings(rows.data(), rows.size() / h_.embedding);
}

void LayerwiseCalibration::replace_embeddings() {
    for (std::vector<float> &rows : x_)
        pool_.parallel_for(rows.size() / h_.embedding, 16, [&](size_t begin, size_t end, unsigned) {
            for (size_t t = begin; t < end; t++) embedding_(std::span(rows).subspan(t * h_.embedding, h_.embedding));
        });
}

std::vector<float> LayerwiseCalibration::logit_inputs() {
    const std::vector<float> norm = decode_vector(*file_, Role::output_norm, 0);
    std::vector<double> sums(h_.embedding);
    std::vector<float> normed;
    size_t total = 0;
    each_sequence([&](size_t s, size_t tokens) {
        normed.resize(tokens * h_.embedding);
        pass_.normalize(norm, x_[s].data(), tokens, normed.data());
        for (size_t i = 0; i < normed.size(); i++) sums[i % sums.size()] += double{normed[i]} * normed[i];
        total += tokens;
    });
    std::vector<float> out;
    for (const double sum : sums) out.push_back(static_cast<float>(sum / static_cast<double>(std::max<size_t>(1, total))));
    return out;
}

// All sequences go on by half a layer, in both streams.
void LayerwiseCalibration::advance(Finish finish, const Input &input, KeptInputs &kept) {
    each_sequence([&](size_t s, size_t tokens) {
        const auto go_on = [&](const Layer &layer, const std::vector<float> &made, float *x) {
            if (made.empty()) input(layer, x, s, tokens, wide_.data());
            (pass_.*finish)(layer, made.empty() ? wide_.data() : made.data(), tokens, x);
        };
        go_on(layer_, kept[s].x, x_[s].data());
        if (with_drift_) go_on(base_layer_, kept[s].base, base_x_[s].data());
        kept[s] = {};
    });
}

void LayerwiseCalibration::run_attention(const Quantize &quantize) {
    const Input entering = [&](const Layer &layer, const float *x, size_t, size_t tokens, float *out) {
        const float *in = pass_.attention_input(layer, x, tokens, out);
        if (in != out) std::copy_n(in, tokens * h_.embedding, out);
        return tokens;
    };
    const Input attended = [&](const Layer &layer, const float *x, size_t, size_t tokens, float *out) {
        pass_.attend(layer, index_, pass_.attention_input(layer, x, tokens, normed_.data()), tokens, out);
        return tokens;
    };
    {
        InputMoments inputs = gather(h_.embedding, entering);
        inputs.shared = true;
        replace(layer_.q, Role::attention_q, inputs, quantize);
        replace(layer_.k, Role::attention_k, inputs, quantize);
        replace(layer_.v, Role::attention_v, inputs, quantize);
        replace(layer_.latent.q, Role::latent_q, inputs, quantize);
        replace(layer_.latent.kv, Role::latent_kv, inputs, quantize);
        replace(layer_.conv.in, Role::conv_in, inputs, quantize);
    }
    KeptInputs kept;
    const InputMoments gathered = gather(h_.attended_width(), attended, &kept);
    replace(layer_.attention_output, Role::attention_output, gathered, quantize);
    replace(layer_.conv.out, Role::conv_out, gathered, quantize);
    advance(&LayerPass::add_attention, attended, kept);
}

void LayerwiseCalibration::run_feed_forward(const Quantize &quantize) {
    const Input entering = [&](const Layer &layer, const float *x, size_t, size_t tokens, float *out) {
        const float *in = pass_.ffn_input(layer, x, tokens, out);
        if (in != out) std::copy_n(in, tokens * h_.embedding, out);
        return tokens;
    };
    const Input gated = [&](const Layer &layer, const float *x, size_t, size_t tokens, float *out) {
        pass_.gate(layer.ffn, pass_.ffn_input(layer, x, tokens, normed_.data()), tokens, out);
        return tokens;
    };
    {
        InputMoments inputs = gather(h_.embedding, entering);
        inputs.shared = true;
        replace(layer_.ffn.gate, Role::ffn_gate, inputs, quantize);
        replace(layer_.ffn.up, Role::ffn_up, inputs, quantize);
    }
    KeptInputs kept;
    replace(layer_.ffn.down, Role::ffn_down, gather(h_.feed_forward, gated, &kept), quantize);
    advance(&LayerPass::add_feed_forward, gated, kept);
}

// By the quantized stream's router, for what an expert will get; the base's stream follows
// that choice where it tells what an expert should have got.
void LayerwiseCalibration::route_experts() {
    routes_.assign(sequences_.size(), {});
    std::vector<size_t> counts(h_.experts);
    each_sequence([&](size_t s, size_t tokens) {
        routes_[s] = pass_.route(layer_, pass_.ffn_input(layer_, x_[s].data(), tokens, normed_.data()), tokens);
        const bool held = s >= sequences_.size() - held_of(sequences_.size());
        for (uint32_t e = 0; e < h_.experts; e++) counts[e] += held ? 0 : routes_[s][e].tokens.size();
    });
    for (uint32_t e = 0; e < h_.experts; e++)
        for (size_t s = 0; counts[e] < least_expert_tokens && s < sequences_.size(); s++) {
            routes_[s][e].tokens.resize(sequences_[s].size());
            std::iota(routes_[s][e].tokens.begin(), routes_[s][e].tokens.end(), 0u);
        }
}

void LayerwiseCalibration::run_experts(uint32_t index, const Quantize &quantize) {
    route_experts();
    std::vector<float> weights;
    for (uint32_t e = 0; e < h_.experts; e++) {
        const Input routed = [&](const Layer &layer, const float *x, size_t s, size_t tokens, float *out) {
            const float *in = pass_.ffn_input(layer, x, tokens, normed_.data());
            const std::vector<uint32_t> &own = routes_[s][e].tokens;
            for (size_t i = 0; i < own.size(); i++)
                std::copy_n(in + own[i] * h_.embedding, h_.embedding, out + i * h_.embedding);
            return own.size();
        };
        const Input gated = [&](const Layer &layer, const float *x, size_t s, size_t tokens, float *out) {
            const size_t count = routed(layer, x, s, tokens, wide_.data());
            if (count != 0) pass_.gate(layer.experts[e], wide_.data(), count, out);
            return count;
        };
        const auto replace_one = [&](Role role, const InputMoments &inputs) {
            const ModelTensor &tensor = *file_->find(role, index);
            decode(tensor, e, weights);
            replace(layer_.experts[e].*expert_member(role), tensor, e, weights, inputs, quantize);
        };
        {
            InputMoments inputs = gather(h_.embedding, routed);
            inputs.shared = true;
            replace_one(Role::expert_gate, inputs);
            replace_one(Role::expert_up, inputs);
        }
        replace_one(Role::expert_down, gather(h_.expert_feed_forward, gated));
    }
    each_sequence([&](size_t s, size_t tokens) {
        const auto go_on = [&](const Layer &layer, float *x) {
            const float *in = pass_.ffn_input(layer, x, tokens, normed_.data());
            pass_.add_experts(layer, pass_.route(layer, in, tokens), in, tokens, x, nullptr);
        };
        go_on(layer_, x_[s].data());
        if (with_drift_) go_on(base_layer_, base_x_[s].data());
    });
}

void LayerwiseCalibration::run(const Quantize &quantize) {
    embed();
    for (uint32_t i = 0; i < h_.layers; i++) {
        load_layer(i);
        run_attention(quantize);
        h_.mixes(i) ? run_experts(i, quantize) : run_feed_forward(quantize);
    }
}

} // namespace quant
