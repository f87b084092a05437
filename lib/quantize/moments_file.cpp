#include "quantize/moments_file.h"

#include "base/error.h"
#include "container/container.h"
#include "machine/worker_pool.h"
#include "quantize/importance.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quant {

namespace {

constexpr const char *kind = "second-moments";
constexpr std::string_view train_suffix = ".moments", held_suffix = ".held_moments";
constexpr uint32_t version = 1;
constexpr size_t values_at_once = 1 << 20;

bool reads_first(const ModelTensor &tensor) {
    return tensor.role && is_calibrated(tensor.role->role) && first_reader(tensor.role->role) == tensor.role->role;
}

uint64_t triangle_values(uint64_t n) { return n * (n + 1) / 2; }

std::vector<uint64_t> triangle_shape(const ModelTensor &tensor) {
    if (tensor.shape.size() != 3) return {triangle_values(tensor.cols())};
    return {tensor.matrices(), triangle_values(tensor.cols())};
}

// The rows of the lower triangle, some at a time.
void write_triangle(GgufWriter &writer, size_t tensor, uint64_t matrix, const SecondMoments &moments) {
    std::vector<float> rows;
    uint64_t offset = matrix * triangle_values(moments.size()) * sizeof(float);
    for (size_t i = 0; i < moments.size(); i++) {
        rows.insert(rows.end(), moments.row(i), moments.row(i) + i + 1);
        if (rows.size() < values_at_once && i + 1 != moments.size()) continue;
        writer.write(tensor, offset, std::as_bytes(std::span(rows)));
        offset += rows.size() * sizeof(float);
        rows.clear();
    }
}

uint64_t count_tokens(const std::vector<std::vector<int32_t>> &sequences, size_t begin, size_t end) {
    uint64_t sum = 0;
    for (size_t i = begin; i < end; i++) sum += sequences[i].size();
    return sum;
}

} // namespace

void write_moments_of(const std::filesystem::path &path, std::string_view text, std::string text_name,
                      uint32_t context, uint64_t tokens, const std::filesystem::path &output, Progress &progress) {
    const auto model = ModelFile::open(path);
    context = calibration_context(model->hyperparameters(), context);
    const auto tokenizer = Tokenizer::create(model->tokenizer());
    auto sequences = calibration_sequences(*tokenizer, text, context, tokens, LayerwiseCalibration::held_every);
    const size_t held = LayerwiseCalibration::held_of(sequences.size());
    const uint64_t held_tokens = count_tokens(sequences, sequences.size() - held, sequences.size());

    Metadata metadata(output.string());
    metadata.set("general.type", std::string(kind));
    metadata.set("quant.moments.version", version);
    metadata.set("quant.moments.datasets", MetadataArray{std::vector<std::string>{std::move(text_name)}});
    metadata.set("quant.moments.context", context);
    metadata.set("quant.moments.tokens", count_tokens(sequences, 0, sequences.size() - held));
    metadata.set("quant.moments.held_tokens", held_tokens);
    std::vector<TensorPlan> plan;
    std::vector<const ModelTensor *> inputs;
    for (const ModelTensor &tensor : model->tensors()) {
        if (!reads_first(tensor)) continue;
        inputs.push_back(&tensor);
        for (const std::string_view suffix : {train_suffix, held_suffix})
            plan.push_back({tensor.name + std::string(suffix), triangle_shape(tensor), QUANT_F32});
    }
    progress.begin("gathering", inputs.size());
    GgufWriter writer(output, metadata, std::move(plan));
    LayerwiseCalibration pass(model, std::move(sequences), false, default_pool());
    pass.run([&](const ModelTensor &tensor, uint64_t matrix, std::span<const float>, const InputMoments &moments) {
        const auto place = std::find(inputs.begin(), inputs.end(), &tensor);
        if (place == inputs.end()) return LayerwiseCalibration::Replacement{};
        const auto number = static_cast<size_t>(place - inputs.begin());
        progress.stage(tensor.name);
        write_triangle(writer, 2 * number, matrix, moments.train);
        write_triangle(writer, 2 * number + 1, matrix, moments.held);
        progress.advance(matrix + 1 == tensor.matrices() ? 1 : 0);
        return LayerwiseCalibration::Replacement{};
    });
    progress.report();
    writer.commit();
}

MomentsFile::MomentsFile(const std::filesystem::path &path) : container_(Container::open(path)) {
    const Metadata &m = container_->metadata();
    if (m.find_string("general.type").value_or("") != kind)
        fail(QUANT_ERR_FORMAT, "{}: key general.type: expected \"{}\": the file holds no second moments", m.name(), kind);
    if (const uint64_t found = m.find_uint("quant.moments.version").value_or(0); found != version)
        fail(QUANT_ERR_UNSUPPORTED, "{}: key quant.moments.version: {}, expected {}", m.name(), found, version);
    tokens_ = m.find_uint("quant.moments.tokens").value_or(0);
    held_tokens_ = m.find_uint("quant.moments.held_tokens").value_or(0);
    if (tokens_ == 0 || held_tokens_ == 0)
        fail(QUANT_ERR_FORMAT, "{}: keys quant.moments.tokens and .held_tokens: expected numbers above 0", m.name());
}

const TensorInfo &MomentsFile::triangle(const ModelTensor &tensor, const ModelFile &model, std::string_view suffix) const {
    const std::string name = model.find(first_reader(tensor.role->role), tensor.role->layer)->name + std::string(suffix);
    const TensorInfo *info = container_->find(name);
    const std::string &file = container_->metadata().name();
    if (!info)
        fail(QUANT_ERR_ARGUMENT, "{}: no tensor {}: the statistics are of another model than {}", file, name, model.name());
    if (info->shape != triangle_shape(tensor) || !info->encoding || info->encoding->id != QUANT_F32)
        fail(QUANT_ERR_ARGUMENT, "{}: tensor {}: {} values in {}, expected {} in F32 for {} columns of {}", file, name,
             info->elements(), info->type_name, tensor.matrices() * triangle_values(tensor.cols()), tensor.cols(),
             tensor.name);
    return *info;
}

void MomentsFile::require_fit(const ModelFile &model) const {
    for (const ModelTensor &tensor : model.tensors())
        if (tensor.role && is_calibrated(tensor.role->role))
            for (const std::string_view suffix : {train_suffix, held_suffix}) triangle(tensor, model, suffix);
}

SecondMoments MomentsFile::read(const TensorInfo &info, uint64_t matrix, size_t columns, uint64_t tokens) const {
    const std::span<const std::byte> bytes = container_->data(info);
    std::vector<float> values(triangle_values(columns));
    std::memcpy(values.data(), bytes.data() + matrix * values.size() * sizeof(float), values.size() * sizeof(float));
    const auto bad = std::find_if_not(values.begin(), values.end(), [](float v) { return std::isfinite(v); });
    if (bad != values.end())
        fail(QUANT_ERR_FORMAT, "{}: tensor {}: value {} is not finite", container_->metadata().name(), info.name,
             bad - values.begin());
    return {columns, values, tokens};
}

InputMoments MomentsFile::of(const ModelTensor &tensor, uint64_t matrix, const ModelFile &model) const {
    InputMoments m;
    m.train = read(triangle(tensor, model, train_suffix), matrix, tensor.cols(), tokens_);
    m.held = read(triangle(tensor, model, held_suffix), matrix, tensor.cols(), held_tokens_);
    return m;
}

} // namespace quant
