// All weights are decoded in GGUF's order of rows, so that what `quantize` returns can
// take a matrix's place at once; the rotation of heads follows that order.
#include "quantize/layerwise.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

/// Floats of inputs that are kept.
constexpr size_t most_kept = size_t{1} << 28;

Hyperparameters in_gguf_order(const ModelFile &file) {
    Hyperparameters h = file.hyperparameters();
    const ModelTensor *q = file.find(Role::attention_q, 0);
    if (q && q->permute_heads != 0) h.rope.style = RopeStyle::interleaved;
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

PackedMatrix borrowed(const EncodingTraits &encoding, const ModelTensor &tensor, std::span<const std::byte> bytes) {
    return PackedMatrix::pack(encoding, tensor.rows(), tensor.cols(), bytes, nullptr);
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
    default:
        return role;
    }
}

LayerwiseCalibration::LayerwiseCalibration(std::shared_ptr<const ModelFile> file,
                                           std::vector<std::vector<int32_t>> sequences, bool with_drift,
                                           WorkerPool &pool)
    : file_(std::move(file)), h_(in_gguf_order(*file_)), frequencies_(rope_frequencies(h_.rope)),
      sequences_(std::move(sequences)), with_drift_(with_drift), pool_(pool), pass_(h_, frequencies_, pool, Activations::f32),
      cache_(one_layer(h_), static_cast<uint32_t>(longest(sequences_))) {}

Linear LayerwiseCalibration::load(Role weight, Role bias, uint32_t index, Matrix &matrix) const {
    matrix.tensor = file_->find(weight, index);
    matrix.weights.resize(matrix.tensor->elements());
    const size_t cols = matrix.tensor->cols();
    pool_.parallel_for(matrix.tensor->rows(), 16, [&](size_t begin, size_t end, unsigned) {
        file_->decode_rows(*matrix.tensor, begin, end - begin, matrix.weights.data() + begin * cols);
    });
    for (const float w : matrix.weights)
        if (!std::isfinite(w))
            fail(QUANT_ERR_FORMAT, "{}: tensor {}: holds a weight that is not finite", file_->metadata().name(),
                 matrix.tensor->name);
    return {borrowed(encoding_traits(QUANT_F32), *matrix.tensor, std::as_bytes(std::span(matrix.weights))),
            decode_vector(*file_, bias, index)};
}

void LayerwiseCalibration::load_layer(uint32_t index) {
    layer_.attention_norm = decode_vector(*file_, Role::attention_norm, index);
    layer_.ffn_norm = decode_vector(*file_, Role::ffn_norm, index);
    layer_.q = load(Role::attention_q, Role::attention_q_bias, index, q_);
    layer_.k = load(Role::attention_k, Role::attention_k_bias, index, k_);
    layer_.v = load(Role::attention_v, Role::attention_v_bias, index, v_);
    layer_.attention_output = load(Role::attention_output, Role::attention_output_bias, index, output_);
    layer_.gate = load(Role::ffn_gate, Role::ffn_gate_bias, index, gate_);
    layer_.up = load(Role::ffn_up, Role::ffn_up_bias, index, up_);
    layer_.down = load(Role::ffn_down, Role::ffn_down_bias, index, down_);
    base_layer_ = layer_;
}

void LayerwiseCalibration::replace(Linear &linear, Matrix &matrix, const InputMoments &inputs,
                                   const Quantize &quantize) const {
    Replacement made = quantize(*matrix.tensor, matrix.weights, inputs);
    if (!made.encoding) return;
    matrix.replaced = std::move(made.bytes);
    linear.weight = borrowed(*made.encoding, *matrix.tensor, matrix.replaced);
}

template <class Use>
void LayerwiseCalibration::each_sequence(const Use &use) {
    for (size_t s = 0; s < sequences_.size(); s++) {
        pass_.place(sequences_[s].size(), 0);
        use(s, sequences_[s].size());
    }
}

// `input(layer, x, sequence, tokens, out)` writes tokens x width values.
template <class Input>
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
        input(layer_, x_[s].data(), tokens, x.data());
        (held ? m.held : m.train).add(x.data(), tokens, pool_);
        const bool keep = kept && x.size() + base.size() <= room;
        if (keep) (*kept)[s].x = x;
        if (with_drift_) input(base_layer_, base_x_[s].data(), tokens, base.data());
        if (keep) (*kept)[s].base = base, room -= x.size() + base.size();
        if (!with_drift_) return;
        for (size_t i = 0; i < x.size(); i++) base[i] -= x[i];
        (held ? m.held_drift : m.train_drift).add_product(base.data(), x.data(), tokens, pool_);
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
    if (!embedding_) return;
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

void LayerwiseCalibration::run(const Quantize &quantize) {
    const size_t most = longest(sequences_);
    std::vector<float> normed(most * h_.embedding), wide(most * std::max(h_.feed_forward, h_.q_width()));
    const auto attention_input = [&](const Layer &layer, const float *x, size_t tokens, float *out) {
        pass_.normalize(layer.attention_norm, x, tokens, out);
    };
    const auto attend = [&](const Layer &layer, const float *x, size_t tokens, float *out) {
        attention_input(layer, x, tokens, normed.data());
        pass_.attend(layer, 0, cache_, normed.data(), tokens, out);
    };
    const auto ffn_input = [&](const Layer &layer, const float *x, size_t tokens, float *out) {
        pass_.normalize(layer.ffn_norm, x, tokens, out);
    };
    const auto gate = [&](const Layer &layer, const float *x, size_t tokens, float *out) {
        ffn_input(layer, x, tokens, normed.data());
        pass_.gate(layer, normed.data(), tokens, out);
    };
    // All sequences go on by half a layer, in both streams.
    KeptInputs kept;
    const auto advance = [&](Linear Layer::*projection, const auto &input) {
        each_sequence([&](size_t s, size_t tokens) {
            const auto go_on = [&](const Layer &layer, const std::vector<float> &made, float *x) {
                if (made.empty()) input(layer, x, tokens, wide.data());
                pass_.add_projection(layer.*projection, made.empty() ? wide.data() : made.data(), tokens, x);
            };
            go_on(layer_, kept[s].x, x_[s].data());
            if (with_drift_) go_on(base_layer_, kept[s].base, base_x_[s].data());
            kept[s] = {};
        });
    };
    embed();
    for (uint32_t i = 0; i < h_.layers; i++) {
        load_layer(i);
        {
            InputMoments inputs = gather(h_.embedding, attention_input);
            inputs.shared = true;
            replace(layer_.q, q_, inputs, quantize);
            replace(layer_.k, k_, inputs, quantize);
            replace(layer_.v, v_, inputs, quantize);
        }
        replace(layer_.attention_output, output_, gather(h_.q_width(), attend, &kept), quantize);
        advance(&Layer::attention_output, attend);
        {
            InputMoments inputs = gather(h_.embedding, ffn_input);
            inputs.shared = true;
            replace(layer_.gate, gate_, inputs, quantize);
            replace(layer_.up, up_, inputs, quantize);
        }
        replace(layer_.down, down_, gather(h_.feed_forward, gate, &kept), quantize);
        advance(&Layer::down, gate);
    }
}

} // namespace quant
