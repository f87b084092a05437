#include "quantize/plan.h"

#include "base/error.h"
#include "machine/worker_pool.h"
#include "model/file_type.h"
#include "model/gguf_tokenizer.h"
#include "quantize/name_pattern.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace {

// Weights worked on between two looks at the progress callback.
constexpr uint64_t slab_weights = 1 << 22;
constexpr uint32_t gguf_quantization_version = 2;

struct Override {
    NamePattern pattern;
    const EncodingTraits *encoding;
};

std::vector<Override> read_overrides(const QuantizeOptions &options) {
    std::vector<Override> out;
    for (const auto &[pattern, name] : options.overrides)
        out.push_back({NamePattern(pattern), &encoding_named(name, QUANT_ERR_ARGUMENT)});
    return out;
}

bool is_float(quant_encoding e) { return encoding_traits(e).family == Family::floats; }

// Sums of squares, of the weights and of their errors.
struct ErrorSums {
    double error = 0, weight = 0;
};

ErrorSums compare(std::span<const float> weights, std::span<const float> decoded) {
    ErrorSums sums;
    for (size_t i = 0; i < weights.size(); i++) {
        const double difference = double{weights[i]} - decoded[i];
        sums.error += difference * difference;
        sums.weight += double{weights[i]} * weights[i];
    }
    return sums;
}

} // namespace

const char *method_name(quant_method method) {
    switch (method) {
    case QUANT_METHOD_ROUND:
        return "round";
    case QUANT_METHOD_SEARCH:
        return "search";
    case QUANT_METHOD_IMPORTANCE:
        return "importance";
    case QUANT_METHOD_DEFAULT:
        break;
    }
    return "default";
}

Plan::Plan(std::shared_ptr<const ModelFile> source, const QuantizeOptions &options)
    : source_(std::move(source)), mix_(&require_type_mix(options.type)), method_(options.method) {
    if (method_ == QUANT_METHOD_DEFAULT) method_ = QUANT_METHOD_SEARCH;
    if (method_ == QUANT_METHOD_IMPORTANCE)
        fail(QUANT_ERR_ARGUMENT, "method importance needs importance statistics, which a plan does not take yet; "
                                 "use search or round");
    if (method_ != QUANT_METHOD_SEARCH && method_ != QUANT_METHOD_ROUND)
        fail(QUANT_ERR_ARGUMENT, "method {} is none", static_cast<int>(method_));
    const std::vector<Override> overrides = read_overrides(options);
    std::vector<bool> used(overrides.size());
    const bool tied = source_->find(Role::output, 0) == nullptr;
    for (const ModelTensor &tensor : source_->tensors()) {
        PlannedTensor planned{};
        planned.source = &tensor;
        choose(planned, tied);
        const auto match = std::find_if(overrides.begin(), overrides.end(),
                                        [&](const Override &o) { return o.pattern.matches(tensor.name); });
        if (match != overrides.end() && !planned.copied && tensor.shape.size() == 2) {
            used[static_cast<size_t>(match - overrides.begin())] = true;
            planned.encoding = match->encoding->id;
            planned.fallback = false;
            if (tensor.cols() % match->encoding->block_weights != 0)
                fail(QUANT_ERR_ARGUMENT, "tensor {}: rows of {} weights cannot be {}, whose blocks have {}",
                     tensor.name, tensor.cols(), match->encoding->name, match->encoding->block_weights);
        }
        planned.method = is_float(planned.encoding) ? QUANT_METHOD_ROUND : method_;
        planned.bytes = planned.copied ? tensor.source->bytes
                                       : encoded_bytes(encoding_traits(planned.encoding), tensor.rows(), tensor.cols());
        tensors_.push_back(planned);
    }
    for (size_t i = 0; i < overrides.size(); i++)
        if (!used[i])
            fail(QUANT_ERR_ARGUMENT, "pattern \"{}\" matches no matrix of {}", printable(overrides[i].pattern.text()),
                 source_->name());
}

void Plan::choose(PlannedTensor &planned, bool output_is_tied) const {
    const ModelTensor &tensor = *planned.source;
    // What no role has is taken over as it is.
    if (!tensor.role && tensor.source) {
        planned.copied = true;
        planned.encoding = tensor.source->encoding ? tensor.source->encoding->id : QUANT_F32;
        if (!tensor.source->encoding)
            fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {}: encoding {} is not supported", source_->metadata().name(),
                 tensor.name, tensor.source->type_name);
        return;
    }
    if (!tensor.role || !role_traits(tensor.role->role).matrix) {
        planned.encoding = QUANT_F32;
        return;
    }
    const Hyperparameters &h = source_->hyperparameters();
    const TensorPlace place{tensor.role->role, tensor.role->layer, h.layers, h.heads / h.kv_heads,
                            tensor.role->role == Role::token_embedding && output_is_tied};
    const quant_encoding wanted = mix_encoding(*mix_, place);
    planned.encoding = fit_encoding(wanted, tensor.cols());
    planned.fallback = planned.encoding != wanted;
}

uint64_t Plan::parameters() const { return source_->parameters(); }

uint64_t Plan::tensor_bytes() const {
    uint64_t sum = 0;
    for (const PlannedTensor &t : tensors_) sum += t.source->source ? t.bytes : 0;
    return sum;
}

uint64_t Plan::output_bytes() const { return GgufWriter::file_bytes(output_metadata(), layout()); }

double Plan::bits_per_weight() const {
    return 8.0 * static_cast<double>(tensor_bytes()) / static_cast<double>(std::max<uint64_t>(1, parameters()));
}

uint32_t Plan::fallbacks() const {
    return static_cast<uint32_t>(
        std::count_if(tensors_.begin(), tensors_.end(), [](const PlannedTensor &t) { return t.fallback; }));
}

bool Plan::requantizes() const {
    return std::any_of(tensors_.begin(), tensors_.end(), [](const PlannedTensor &t) {
        return !t.copied && t.source->source && !is_float(t.source->source->encoding->id);
    });
}

Metadata Plan::output_metadata() const {
    Metadata out = source_->metadata();
    // A file of one part is written, whatever the source was.
    for (const char *key : {"split.no", "split.count", "split.tensors.count"}) out.erase(key);
    if (const auto number = file_type_number(mix_->name)) out.set("general.file_type", *number);
    out.set("general.quantization_version", gguf_quantization_version);
    if (source_->container().kind() == ContainerKind::safetensors) write_gguf_tokenizer(source_->tokenizer(), out);
    return out;
}

std::vector<TensorPlan> Plan::layout() const {
    std::vector<TensorPlan> plan;
    for (const PlannedTensor &t : tensors_) plan.push_back({t.source->name, t.source->shape, t.encoding});
    return plan;
}

void Plan::run(const std::filesystem::path &output, Progress &progress) {
    for (const std::filesystem::path &file : source_->files()) {
        std::error_code ignored;
        if (std::filesystem::equivalent(file, output, ignored))
            fail(QUANT_ERR_ARGUMENT, "{}: the output is the source itself", output.string());
    }
    uint64_t total = 0;
    for (const PlannedTensor &t : tensors_) total += t.source->elements();
    progress.begin("quantizing", total);
    GgufWriter writer(output, output_metadata(), layout());
    for (PlannedTensor &planned : tensors_) {
        progress.stage(planned.source->name);
        if (planned.copied) {
            writer.add(source_->container().data(*planned.source->source));
            planned.rmse = planned.relative = 0;
            progress.advance(planned.source->elements());
        } else {
            writer.add(encode(planned, progress));
        }
    }
    progress.report();
    writer.commit();
}

std::vector<std::byte> Plan::encode(PlannedTensor &planned, Progress &progress) const {
    const ModelTensor &tensor = *planned.source;
    const EncodingTraits &encoding = encoding_traits(planned.encoding);
    const uint64_t rows = tensor.rows(), cols = tensor.cols();
    const uint64_t row_bytes = encoded_bytes(encoding, 1, cols);
    std::vector<std::byte> out(planned.bytes);
    WorkerPool &pool = default_pool();
    std::vector<ErrorSums> sums(pool.size());
    const uint64_t slab_rows = std::max<uint64_t>(1, slab_weights / std::max<uint64_t>(1, cols));
    for (uint64_t first = 0; first < rows; first += slab_rows) {
        const uint64_t count = std::min(slab_rows, rows - first);
        pool.parallel_for(count, 1, [&](size_t begin, size_t end, unsigned worker) {
            std::vector<float> weights(cols), decoded(cols);
            for (uint64_t r = first + begin; r < first + end; r++) {
                source_->decode_rows(tensor, r, 1, weights.data());
                for (const float w : weights)
                    if (!std::isfinite(w))
                        fail(QUANT_ERR_FORMAT, "{}: tensor {}: row {} holds a weight that is not finite",
                             source_->metadata().name(), tensor.name, r);
                const std::span<std::byte> row(out.data() + r * row_bytes, row_bytes);
                encode_matrix(encoding, planned.method, weights, {}, 1, cols, row);
                decode_matrix(encoding, row, 1, cols, decoded);
                const ErrorSums s = compare(weights, decoded);
                sums[worker].error += s.error;
                sums[worker].weight += s.weight;
            }
        });
        progress.advance(count * cols);
    }
    ErrorSums all;
    for (const ErrorSums &s : sums) all.error += s.error, all.weight += s.weight;
    planned.rmse = std::sqrt(all.error / static_cast<double>(std::max<uint64_t>(1, rows * cols)));
    planned.relative = all.weight > 0 ? std::sqrt(all.error / all.weight) : 0;
    return out;
}

} // namespace quant
