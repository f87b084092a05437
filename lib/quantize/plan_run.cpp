// Carrying a plan out: a stream of tensors through encoders into a file. Matrices that
// calibration has encoded already are only written.
#include "quantize/plan.h"

#include "base/error.h"
#include "machine/worker_pool.h"
#include "quantize/calibrated_encoder.h"
#include "quantize/importance.h"
#include "quantize/layerwise.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

// Weights worked on between two looks at the progress callback.
constexpr uint64_t slab_weights = 1 << 22;
// And between the steps of one worker: what fits its cache.
constexpr uint64_t step_weights = 1 << 15;

// Sums of squares, of the weights and of their errors.
struct ErrorSums {
    double error = 0, weight = 0;
    void operator+=(const ErrorSums &other) { error += other.error, weight += other.weight; }
};

void set_errors(PlannedTensor &planned, const ErrorSums &sums) {
    const uint64_t weights = std::max<uint64_t>(1, planned.source->elements());
    planned.rmse = std::sqrt(sums.error / static_cast<double>(weights));
    planned.relative = sums.weight > 0 ? std::sqrt(sums.error / sums.weight) : 0;
}

bool is_float(const EncodingTraits &e) { return e.family == Family::floats; }

ErrorSums compare(std::span<const float> weights, std::span<const float> decoded) {
    constexpr size_t lanes = 16, run = 4096; // float32 within a run, so that it takes few instructions
    ErrorSums sums;
    for (size_t at = 0; at < weights.size(); at += run) {
        const size_t end = std::min(weights.size(), at + run);
        float error[lanes] = {}, weight[lanes] = {};
        for (size_t i = at; i < end; i++) {
            const float difference = weights[i] - decoded[i];
            error[i % lanes] += difference * difference;
            weight[i % lanes] += weights[i] * weights[i];
        }
        for (size_t k = 0; k < lanes; k++) sums.error += double{error[k]}, sums.weight += double{weight[k]};
    }
    return sums;
}

} // namespace

void Plan::run(const std::filesystem::path &output, Progress &progress) {
    for (const std::filesystem::path &file : source_->files()) {
        std::error_code ignored;
        if (std::filesystem::equivalent(file, output, ignored))
            fail(QUANT_ERR_ARGUMENT, "{}: the output is the source itself", output.string());
    }
    if (method_ == QUANT_METHOD_IMPORTANCE && importance_.entries.empty()) {
        const auto model = Model::open(source_->container().path());
        const uint32_t context = usual_calibration_context(source_->hyperparameters());
        importance_ = gather_importance(model,
                                        calibration_sequences(model->tokenizer(), options_.calibration_text, context,
                                                              options_.calibration_tokens, 1),
                                        progress);
    }
    uint64_t total = 0;
    for (const PlannedTensor &t : tensors_) total += t.source->elements();
    progress.begin("quantizing", total);
    if (needs_calibration(method_)) encode_calibrated(progress);
    GgufWriter writer(output, output_metadata(), layout());
    for (PlannedTensor &planned : tensors_) {
        progress.stage(planned.source->name);
        if (planned.copied) {
            writer.add(source_->container().data(*planned.source->source));
            planned.rmse = planned.relative = 0;
            progress.advance(planned.source->elements());
        } else if (!planned.encoded.empty()) {
            writer.add(planned.encoded);
            planned.encoded = {};
        } else {
            writer.add(encode(planned, progress));
        }
    }
    progress.report();
    writer.commit();
}

void Plan::require_finite(const ModelTensor &tensor, uint64_t first_row, std::span<const float> weights) const {
    const auto bad = std::find_if_not(weights.begin(), weights.end(), [](float w) { return std::isfinite(w); });
    if (bad != weights.end())
        fail(QUANT_ERR_FORMAT, "{}: tensor {}: row {} holds a weight that is not finite", source_->metadata().name(),
             tensor.name, first_row + static_cast<uint64_t>(bad - weights.begin()) / tensor.cols());
}

std::vector<std::byte> Plan::encode(PlannedTensor &planned, Progress &progress) const {
    const ModelTensor &tensor = *planned.source;
    const EncodingTraits &encoding = encoding_traits(planned.encoding);
    const uint64_t rows = tensor.rows(), cols = tensor.cols();
    const uint64_t row_bytes = encoded_bytes(encoding, 1, cols);
    std::vector<std::byte> out(planned.bytes);
    WorkerPool &pool = default_pool();
    std::vector<ErrorSums> sums(pool.size());
    const std::vector<float> columns = importance_.columns_of(tensor.name, cols);
    planned.method = is_float(encoding)                       ? QUANT_METHOD_ROUND
                     : !columns.empty()                       ? QUANT_METHOD_IMPORTANCE
                     : planned.method == QUANT_METHOD_ROUND   ? QUANT_METHOD_ROUND
                                                              : QUANT_METHOD_SEARCH;
    const uint64_t slab_rows = std::max<uint64_t>(1, slab_weights / std::max<uint64_t>(1, cols));
    for (uint64_t first = 0; first < rows; first += slab_rows) {
        const uint64_t count = std::min(slab_rows, rows - first);
        pool.parallel_for(count, 1, [&](size_t begin, size_t end, unsigned worker) {
            const uint64_t rows_at_once = std::clamp<uint64_t>(step_weights / std::max<uint64_t>(1, cols), 1, end - begin);
            std::vector<float> weights(rows_at_once * cols), decoded(weights.size());
            for (uint64_t r = first + begin; r < first + end; r += rows_at_once) {
                const uint64_t n = std::min(rows_at_once, first + end - r);
                const std::span<float> some = std::span(weights).first(n * cols), back = std::span(decoded).first(n * cols);
                source_->decode_rows(tensor, r, n, some.data());
                require_finite(tensor, r, some);
                const std::span<std::byte> to(out.data() + r * row_bytes, n * row_bytes);
                encode_matrix(encoding, planned.method, some, columns, n, cols, to);
                decode_matrix(encoding, to, n, cols, back);
                sums[worker] += compare(some, back);
            }
        });
        progress.advance(count * cols);
    }
    ErrorSums all;
    for (const ErrorSums &s : sums) all += s;
    set_errors(planned, all);
    return out;
}

void Plan::encode_calibrated(Progress &progress) {
    const auto planned_of = [&](const ModelTensor &tensor) {
        return std::find_if(tensors_.begin(), tensors_.end(), [&](const PlannedTensor &p) { return p.source == &tensor; });
    };
    const uint32_t context = usual_calibration_context(source_->hyperparameters());
    const auto tokenizer = Tokenizer::create(source_->tokenizer());
    LayerwiseCalibration calibration(source_,
                                     calibration_sequences(*tokenizer, options_.calibration_text, context,
                                                           options_.calibration_tokens,
                                                           LayerwiseCalibration::held_every),
                                     default_pool());
    // The pass starts from what the embedding becomes.
    const auto embedding = planned_of(*source_->find(Role::token_embedding, 0));
    if (!embedding->copied) {
        progress.stage(embedding->source->name);
        embedding->encoded = encode(*embedding, progress);
        calibration.replace_embedding(PackedMatrix::pack(encoding_traits(embedding->encoding), embedding->source->rows(),
                                                         embedding->source->cols(), embedding->encoded, nullptr));
    }
    calibration.run([&](const ModelTensor &tensor, std::span<const float> weights, const InputMoments &inputs) {
        PlannedTensor &planned = *planned_of(tensor);
        const EncodingTraits &encoding = encoding_traits(planned.encoding);
        if (planned.copied || is_float(encoding)) return LayerwiseCalibration::Replacement{};
        progress.stage(tensor.name);
        CalibratedMatrix made =
            quant::encode_calibrated(encoding, method_, weights, tensor.rows(), tensor.cols(), inputs, default_pool());
        planned.encoded = std::move(made.bytes);
        planned.method = made.method;
        ErrorSums sums;
        std::vector<float> decoded(tensor.cols());
        const uint64_t row_bytes = planned.bytes / tensor.rows();
        for (uint64_t r = 0; r < tensor.rows(); r++) {
            encoding.decode(planned.encoded.data() + r * row_bytes, decoded.data(), tensor.cols() / encoding.block_weights);
            sums += compare(weights.subspan(r * tensor.cols(), tensor.cols()), decoded);
        }
        set_errors(planned, sums);
        progress.advance(tensor.elements());
        return LayerwiseCalibration::Replacement{&encoding, planned.encoded};
    });
}

} // namespace quant
