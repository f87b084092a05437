// Carrying a plan out: a stream of tensors through encoders into a file. Matrices that
// calibration has encoded already are only written.
#include "quantize/plan.h"

#include "base/error.h"
#include "encoding/matrix_error.h"
#include "machine/worker_pool.h"
#include "quantize/calibrated_encoder.h"
#include "quantize/checkpoint_output.h"
#include "quantize/importance.h"
#include "quantize/input_prior.h"
#include "quantize/layerwise.h"
#include "quantize/moments_file.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

// Weights worked on between two looks at the progress callback.
constexpr uint64_t slab_weights = 1 << 22;
// And between the steps of one worker: what fits its cache.
constexpr uint64_t step_weights = 1 << 15;

// What a worker holds of the rows it is at.
struct Step {
    std::vector<float> weights, decoded;
    std::vector<std::byte> bytes;

    Step(uint64_t rows, uint64_t cols, uint64_t row_bytes)
        : weights(rows * cols), decoded(rows * cols), bytes(rows * row_bytes) {}
};

// `sums` of one more of its matrices.
void add_errors(PlannedTensor &planned, const ErrorSums &sums) {
    planned.errors += sums;
    const uint64_t weights = std::max<uint64_t>(1, planned.source->elements());
    planned.rmse = std::sqrt(planned.errors.error / static_cast<double>(weights));
    planned.relative = planned.errors.weight > 0 ? std::sqrt(planned.errors.error / planned.errors.weight) : 0;
}

} // namespace

void Plan::run(const std::filesystem::path &output, Progress &progress) {
    const auto refuse_to_replace = [&](const std::vector<std::filesystem::path> &files, const char *what) {
        for (const std::filesystem::path &file : files) {
            std::error_code ignored;
            if (std::filesystem::equivalent(file, output, ignored))
                fail(QUANT_ERR_ARGUMENT, "{}: the output is {} itself", output.string(), what);
        }
    };
    refuse_to_replace(source_->files(), "the source");
    for (const AttachedAdapter &a : adapters_) refuse_to_replace(a.adapter->files(), "an adapter");
    if (method_ == QUANT_METHOD_IMPORTANCE && importance_.entries.empty()) {
        const auto model = Model::open(source_->container().path());
        AdapterSet attached;
        for (const auto &[adapter, scale] : adapters_)
            attached.push_back({Adapter::open(model->file_pointer(), adapter->path()), scale});
        const uint32_t context = calibration_context(source_->hyperparameters(), 0);
        importance_ = gather_importance(model,
                                        calibration_sequences(model->tokenizer(), options_.calibration_text, context,
                                                              options_.calibration_tokens, 1),
                                        progress, attached);
    }
    uint64_t total = 0;
    for (const PlannedTensor &t : tensors_) total += t.source->elements();
    progress.begin("quantizing", total);
    const std::unique_ptr<PlanOutput> out = make_output(output);
    for (PlannedTensor &planned : tensors_) planned.encoded = 0, planned.errors = {};
    if (moments_) encode_from_moments(*out, progress);
    else if (needs_calibration(method_)) encode_calibrated(*out, progress);
    for (PlannedTensor &planned : tensors_) {
        if (planned.encoded != 0) continue;
        progress.stage(planned.source->name);
        const size_t number = number_of(planned);
        if (planned.copied && !format_)
            out->write(number, 0, planned.source->rows(), source_->container().data(*planned.source->source));
        if (planned.copied) {
            planned.rmse = planned.relative = 0;
            progress.advance(planned.source->elements());
        } else if (checkpoint_ && checkpoint_->is_direct(number)) {
            continue; // The output's own work.
        } else if (planned.relaid) {
            relay_rows(number, *out, progress);
        } else {
            encode(planned, *out, progress);
        }
    }
    out->finish(progress);
    progress.report();
    output_digest_ = out->commit();
    output_ = output;
}

std::string Plan::output_digest(const std::filesystem::path &output) const {
    return output == output_ ? output_digest_ : "";
}

void Plan::require_finite(const ModelTensor &tensor, uint64_t first_row, std::span<const float> weights) const {
    const size_t at = first_not_finite(weights);
    if (at != weights.size())
        fail(QUANT_ERR_FORMAT, "{}: tensor {}: row {} holds a weight that is not finite", source_->metadata().name(),
             tensor.name, first_row + at / tensor.cols());
}

// With so much work on the other matrices, embeddings deserve the long search too, which
// encoders make where importance is given.
bool Plan::searches_long(const ModelTensor &tensor) const {
    return needs_calibration(method_) && tensor.role && tensor.role->role == Role::token_embedding;
}

// Importance of the columns of each matrix of a tensor that calibration does not encode; empty:
// none is known.
std::vector<float> Plan::column_importance(const ModelTensor &tensor) const {
    if (searches_long(tensor)) return std::vector<float>(tensor.matrices() * tensor.cols(), 1.0f);
    return importance_.columns_of(tensor.name, tensor.cols(), tensor.matrices());
}

// The method of a matrix that calibration does not encode.
quant_method Plan::plain_method(const PlannedTensor &planned, bool has_columns) const {
    if (encoding_traits(planned.encoding).is_float() || method_ == QUANT_METHOD_ROUND) return QUANT_METHOD_ROUND;
    return has_columns ? QUANT_METHOD_IMPORTANCE : QUANT_METHOD_SEARCH;
}

void Plan::encode(PlannedTensor &planned, PlanOutput &out, Progress &progress) {
    const ModelTensor &tensor = *planned.source;
    const std::vector<float> columns = column_importance(tensor);
    const quant_method method = plain_method(planned, !columns.empty());
    planned.method = method;
    for (uint64_t m = 0; m < tensor.matrices(); m++) {
        std::vector<float> of_matrix;
        if (method == QUANT_METHOD_SEARCH) of_matrix = input_prior(*source_, tensor, m, default_pool());
        else if (!columns.empty()) of_matrix.assign(columns.data() + m * tensor.cols(), columns.data() + (m + 1) * tensor.cols());
        encode_rows(planned, m, of_matrix, out, progress);
    }
    if (method != QUANT_METHOD_ROUND && searches_long(tensor)) planned.method = QUANT_METHOD_SEARCH;
}

// A slab of rows is encoded and written at a time, so that memory does not grow with the matrix.
void Plan::encode_rows(PlannedTensor &planned, uint64_t matrix, std::span<const float> columns, PlanOutput &out,
                       Progress &progress) {
    const ModelTensor &tensor = *planned.source;
    const EncodingTraits &encoding = planned.traits();
    const uint64_t rows = tensor.matrix_rows(), cols = tensor.cols(), top = matrix * rows;
    const uint64_t row_bytes = encoded_bytes(encoding, 1, cols);
    WorkerPool &pool = default_pool();
    std::vector<ErrorSums> sums(pool.size());
    const uint64_t slab_rows = std::clamp<uint64_t>(slab_weights / std::max<uint64_t>(1, cols), 1, rows);
    const uint64_t step_rows = std::clamp<uint64_t>(step_weights / std::max<uint64_t>(1, cols), 1, slab_rows);
    std::vector<Step> steps(pool.size(), Step(step_rows, cols, row_bytes));
    for (uint64_t first = 0; first < rows; first += slab_rows) {
        const uint64_t count = std::min(slab_rows, rows - first);
        pool.parallel_for(count, step_rows, [&](size_t begin, size_t end, unsigned worker) {
            Step &step = steps[worker];
            for (uint64_t r = begin; r < end; r += step_rows) {
                const uint64_t n = std::min<uint64_t>(step_rows, end - r), row = top + first + r;
                const std::span<float> some = std::span(step.weights).first(n * cols);
                const std::span<float> back = std::span(step.decoded).first(n * cols);
                const std::span<std::byte> bytes = std::span(step.bytes).first(n * row_bytes);
                source_->decode_rows(tensor, row, n, some.data());
                require_finite(tensor, row, some);
                encode_matrix(encoding, planned.method, some, columns, n, cols, bytes);
                decode_matrix(encoding, bytes, n, cols, back);
                sums[worker] += error_sums(some, back);
                out.write(number_of(planned), row, n, bytes);
            }
        });
        out.begin_sync(number_of(planned), top + first, count);
        progress.advance(count * cols);
    }
    ErrorSums all;
    for (const ErrorSums &s : sums) all += s;
    add_errors(planned, all);
}

// Layer after layer, on what the layers before it became.
void Plan::encode_calibrated(PlanOutput &out, Progress &progress) {
    const auto planned_of = [&](const ModelTensor &tensor) {
        return std::find_if(tensors_.begin(), tensors_.end(), [&](const PlannedTensor &p) { return p.source == &tensor; });
    };
    const auto tokenizer = Tokenizer::create(source_->tokenizer());
    LayerwiseCalibration calibration(source_,
                                     calibration_sequences(*tokenizer, options_.calibration_text,
                                                           calibration_context(source_->hyperparameters(), 0),
                                                           options_.calibration_tokens,
                                                           LayerwiseCalibration::held_every),
                                     true, default_pool());
    // The pass starts from what the embedding becomes; rows are encoded each by itself.
    const auto embedding = planned_of(*source_->find(Role::token_embedding, 0));
    if (!embedding->copied) {
        const EncodingTraits &encoding = embedding->traits();
        const std::vector<float> columns = column_importance(*embedding->source);
        const quant_method method = plain_method(*embedding, !columns.empty());
        calibration.replace_embedding([&encoding, columns, method](std::span<float> row) {
            std::vector<std::byte> bytes(encoded_bytes(encoding, 1, row.size()));
            encode_matrix(encoding, method, row, columns, 1, row.size(), bytes);
            decode_matrix(encoding, bytes, 1, row.size(), row);
        });
    }
    calibration.run([&](const ModelTensor &tensor, uint64_t matrix, std::span<const float> weights,
                        const InputMoments &inputs) {
        PlannedTensor &planned = *planned_of(tensor);
        if (!calibrates(planned)) return LayerwiseCalibration::Replacement{};
        progress.stage(tensor.name);
        return LayerwiseCalibration::Replacement{&planned.traits(),
                                                 encode_with(inputs, weights, matrix, planned, out, progress)};
    });
    // Where rows of the matrix that makes logits are embeddings too, they stay what the pass started from.
    if (const ModelTensor *output = source_->find(Role::output, 0))
        importance_.entries[output->name] = {calibration.logit_inputs(), {1}};
}

// Each matrix by itself, on the inputs that a file has of the model as it was.
void Plan::encode_from_moments(PlanOutput &out, Progress &progress) {
    InputMoments inputs;
    std::pair<const ModelTensor *, uint64_t> inputs_of{};
    std::vector<float> weights;
    for (PlannedTensor &planned : tensors_) {
        const ModelTensor &tensor = *planned.source;
        if (!calibrates(planned) || !is_calibrated(tensor.role->role)) continue;
        progress.stage(tensor.name);
        const ModelTensor *first = source_->find(first_reader(tensor.role->role), tensor.role->layer);
        const uint64_t rows = tensor.matrix_rows(), cols = tensor.cols();
        weights.resize(rows * cols);
        for (uint64_t m = 0; m < tensor.matrices(); m++) {
            if (inputs_of != std::pair(first, m)) inputs = moments_->of(tensor, m, *source_), inputs.shared = true;
            inputs_of = {first, m};
            default_pool().parallel_for(rows, 16, [&](size_t begin, size_t end, unsigned) {
                source_->decode_rows(tensor, m * rows + begin, end - begin, weights.data() + begin * cols);
            });
            require_finite(tensor, m * rows, weights);
            encode_with(inputs, weights, m, planned, out, progress);
        }
    }
}

bool Plan::calibrates(const PlannedTensor &planned) const {
    if (checkpoint_ && checkpoint_->is_direct(number_of(planned))) return false;
    return !planned.copied && !planned.relaid && planned.source->role && role_traits(planned.source->role->role).quantizes() &&
           !encoding_traits(planned.encoding).is_float();
}

std::vector<std::byte> Plan::encode_with(const InputMoments &inputs, std::span<const float> weights, uint64_t matrix,
                                         PlannedTensor &planned, PlanOutput &out, Progress &progress) const {
    const EncodingTraits &encoding = planned.traits();
    const uint64_t rows = planned.source->matrix_rows(), cols = planned.source->cols();
    const uint64_t row_bytes = encoded_bytes(encoding, 1, cols);
    CalibratedMatrix made = quant::encode_calibrated(encoding, method_, weights, rows, cols, inputs, default_pool());
    ErrorSums sums;
    std::vector<float> decoded(cols);
    for (uint64_t r = 0; r < rows; r++) {
        encoding.decode(made.bytes.data() + r * row_bytes, decoded.data(), cols / encoding.block_weights);
        sums += error_sums(weights.subspan(r * cols, cols), decoded);
    }
    add_errors(planned, sums);
    // Where experts differ, what was best was taken for each.
    planned.method = planned.encoded == 0 || planned.method == made.method ? made.method : QUANT_METHOD_BEST;
    planned.encoded++;
    out.write(number_of(planned), matrix * rows, rows, made.bytes);
    progress.advance(rows * cols);
    return std::move(made.bytes);
}

} // namespace quant
