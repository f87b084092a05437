#include "eval/sensitivity.h"

#include "base/error.h"
#include "eval/token_statistics.h"
#include "model/forward.h"

#include <algorithm>

namespace quant {

namespace {

constexpr uint64_t error_rows = 64;

const EncodingTraits &probe_for(uint64_t cols) {
    return encoding_traits(cols % 256 == 0 ? QUANT_Q3_K : cols % 32 == 0 ? QUANT_Q4_0 : QUANT_F16);
}

// The matrix as the model's source has it, coarse.
PackedMatrix coarse(const ModelFile &file, const ModelTensor &tensor) {
    const EncodingTraits &probe = probe_for(tensor.cols());
    const uint64_t rows = tensor.rows(), cols = tensor.cols();
    const uint64_t row_bytes = encoded_bytes(probe, 1, cols);
    const auto bytes = std::make_shared<std::vector<std::byte>>(rows * row_bytes);
    default_pool().parallel_for(rows, 8, [&](size_t begin, size_t end, unsigned) {
        std::vector<float> row(cols);
        for (size_t r = begin; r < end; r++) {
            file.decode_rows(tensor, r, 1, row.data(), RowOrder::source);
            probe.encode(row.data(), nullptr, bytes->data() + r * row_bytes, cols / probe.block_weights,
                         QUANT_METHOD_SEARCH);
        }
    });
    return PackedMatrix::pack(probe, rows, cols, *bytes, bytes);
}

class Runner {
public:
    explicit Runner(size_t context, uint32_t vocabulary)
        : context_(context), scored_(context / 2), vocabulary_(vocabulary) {}

    void run(const Model &model, std::span<const int32_t> sequence, std::vector<float> &logits,
             Activations activations = Activations::f32) {
        KvCache cache(model.hyperparameters(), static_cast<uint32_t>(context_));
        logits.resize(scored_ * vocabulary_);
        Forward(model, default_pool(), activations).run(cache, sequence, 0, scored_, logits.data());
    }

    double divergence(const std::vector<float> &logits, const std::vector<float> &base) const {
        std::vector<double> sums(default_pool().size());
        default_pool().parallel_for(scored_, 4, [&](size_t begin, size_t end, unsigned worker) {
            for (size_t i = begin; i < end; i++)
                sums[worker] += score_token(logits.data() + i * vocabulary_, {base.data() + i * vocabulary_}, vocabulary_, 0)
                                    .divergence;
        });
        double sum = 0;
        for (const double s : sums) sum += s;
        return sum / static_cast<double>(scored_);
    }

private:
    size_t context_, scored_;
    uint32_t vocabulary_;
};

} // namespace

double relative_error(const ModelFile &file, const ModelTensor &tensor, const EncodingTraits &encoding,
                      uint64_t most_rows) {
    const uint64_t cols = tensor.cols(), rows = std::min(tensor.rows(), most_rows);
    std::vector<double> errors(default_pool().size()), squares(errors.size());
    default_pool().parallel_for(rows, 2, [&](size_t begin, size_t end, unsigned worker) {
        std::vector<float> row(cols), back(cols);
        std::vector<std::byte> bytes(encoded_bytes(encoding, 1, cols));
        for (size_t i = begin; i < end; i++) {
            file.decode_rows(tensor, i * tensor.rows() / rows, 1, row.data());
            encode_matrix(encoding, QUANT_METHOD_SEARCH, row, {}, 1, cols, bytes);
            decode_matrix(encoding, bytes, 1, cols, back);
            for (uint64_t k = 0; k < cols; k++) {
                errors[worker] += (double{row[k]} - back[k]) * (double{row[k]} - back[k]);
                squares[worker] += double{row[k]} * row[k];
            }
        }
    });
    double error = 0, square = 0;
    for (size_t i = 0; i < errors.size(); i++) error += errors[i], square += squares[i];
    return square > 0 ? error / square : 0;
}

Sensitivities measure_sensitivities(const std::shared_ptr<const Model> &model,
                                    std::span<const std::vector<int32_t>> sequences, Progress &progress) {
    const ModelFile &file = model->file();
    std::vector<const ModelTensor *> matrices;
    for (const ModelTensor &t : file.tensors())
        if (t.role && role_traits(t.role->role).quantizes() && t.source) matrices.push_back(&t);
    Runner runner(sequences.front().size(), model->hyperparameters().vocabulary);
    std::vector<std::vector<float>> base(sequences.size());
    std::vector<float> logits;
    progress.begin("measuring sensitivities", (matrices.size() + 1) * sequences.size());
    for (size_t s = 0; s < sequences.size(); s++) runner.run(*model, sequences[s], base[s]);
    const auto divergence = [&](const Model &probed, Activations activations) {
        double kld = 0;
        for (size_t s = 0; s < sequences.size(); s++) {
            runner.run(probed, sequences[s], logits, activations);
            kld += std::max(0.0, runner.divergence(logits, base[s])) / static_cast<double>(sequences.size());
            progress.advance();
        }
        return kld;
    };
    Sensitivities out;
    out.activation_kld = divergence(*model, Activations::int8_always);
    for (const ModelTensor *tensor : matrices) {
        progress.stage(tensor->name);
        const double kld = divergence(
            *model->with_matrix(tensor->role->role, tensor->role->layer, coarse(file, *tensor)), Activations::f32);
        const double error = relative_error(file, *tensor, probe_for(tensor->cols()), error_rows);
        out.matrices.push_back({tensor->name, error > 0 ? kld / error : 0, kld});
    }
    progress.finish();
    return out;
}

} // namespace quant
