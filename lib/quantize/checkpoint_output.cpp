#include "quantize/checkpoint_output.h"

#include "base/error.h"
#include "base/file.h"
#include "encoding/matrix_error.h"
#include "encoding/relay.h"
#include "machine/worker_pool.h"

#include <algorithm>
#include <cmath>
#include <cstring>

namespace quant {

namespace {

namespace fs = std::filesystem;

// Weights worked on at a time.
constexpr uint64_t slab_weights = 1 << 22;
constexpr float highest_half = 65504;

uint64_t slab_rows(const TensorInfo &t, uint64_t step) {
    const uint64_t rows = std::max<uint64_t>(1, slab_weights / std::max<uint64_t>(1, t.cols()));
    return (rows + step - 1) / step * step;
}

/// Rows of a stored tensor as floats, columns in their order.
void decode_stored(const ModelFile &source, const TensorInfo &t, uint64_t first, uint64_t count, float *out) {
    const uint64_t cols = t.cols(), row_bytes = encoded_bytes(*t.encoding, 1, cols), step = 32;
    default_pool().parallel_for(count, step, [&](size_t begin, size_t end, unsigned) {
        std::vector<std::byte> bytes((end - begin) * row_bytes);
        source.container().copy_rows(t, first + begin, end - begin, bytes.data());
        t.encoding->decode(bytes.data(), out + begin * cols, (end - begin) * (cols / t.encoding->block_weights));
        for (uint64_t r = begin; r < end; r++) restore_columns(t, out + r * cols);
    });
}

template <class Body> void each_slab(const TensorInfo &t, uint64_t step, const Body &body) {
    const uint64_t many = slab_rows(t, step);
    for (uint64_t first = 0; first < t.rows(); first += many) body(first, std::min(many, t.rows() - first));
}

WholeMatrix measure(const ModelFile &source, const TensorInfo &t) {
    WholeMatrix out;
    double sum = 0;
    std::vector<float> rows;
    each_slab(t, 1, [&](uint64_t first, uint64_t count) {
        rows.resize(count * t.cols());
        decode_stored(source, t, first, count, rows.data());
        for (const float v : rows) {
            if (!std::isfinite(v))
                fail(QUANT_ERR_FORMAT, "{}: tensor {}: it holds a weight that is not finite", source.name(), t.name);
            out.largest = std::max(out.largest, std::abs(v)), sum += std::abs(v);
        }
    });
    out.mean = sum / static_cast<double>(std::max<uint64_t>(1, t.elements()));
    return out;
}

} // namespace

CheckpointOutput::CheckpointOutput(const fs::path &folder, const ModelFile &source, const CheckpointLayout &layout,
                                   std::span<PlannedTensor> planned)
    : source_(source), layout_(layout), planned_(planned), writer_(folder, layout.pieces(), layout.format().files_format()),
      arriving_(layout.linears().size()) {
    for (size_t i = 0; i < layout.linears().size(); i++) linear_of_[layout.linears()[i].stored] = i;
}

void CheckpointOutput::write(size_t tensor, uint64_t first, uint64_t count, std::span<const std::byte> rows) {
    const ModelTensor &t = *planned_[tensor].source;
    const uint64_t row_bytes = rows.size() / count;
    for (uint64_t r = 0; r < count; r++) {
        const ModelFile::StoredRow place = source_.stored_place(t, first + r);
        const size_t at = linear_of_.at(place.tensor);
        Arriving &to = arriving_[at];
        std::call_once(to.once, [&] { to.blocks.resize(place.tensor->rows() * row_bytes); });
        std::memcpy(to.blocks.data() + place.row * row_bytes, rows.data() + r * row_bytes, row_bytes);
        if (++to.rows != place.tensor->rows()) continue;
        pack(layout_.linears()[at], to.blocks);
        std::vector<std::byte>().swap(to.blocks); // An assignment of nothing would keep its memory.
    }
}

void CheckpointOutput::pack(const CheckpointLayout::Linear &linear, std::span<const std::byte> blocks) {
    const TensorInfo &t = *linear.stored;
    EncodedMatrix matrix{*linear.encoding, blocks, t.rows(), t.cols()};
    if (linear.relaid && t.columns) matrix.columns = *t.columns;
    const CheckpointFormat &format = layout_.format();
    if (linear.relaid && !format.holds(matrix))
        fail(QUANT_ERR_INTERNAL, "{}: tensor {}: its blocks do not fit {}", source_.name(), t.name, format.name());
    const size_t count = format.pieces(linear.module, t.rows(), t.cols(), !matrix.columns.empty()).size();
    std::vector<std::vector<std::byte>> pieces(count);
    std::vector<std::span<std::byte>> spans;
    for (size_t i = 0; i < count; i++) {
        pieces[i].resize(layout_.pieces()[linear.first_piece + i].bytes);
        spans.emplace_back(pieces[i]);
    }
    format.pack(matrix, spans);
    for (size_t i = 0; i < count; i++) writer_.write(linear.first_piece + i, 0, pieces[i]);
    const CheckpointFormat::Facts facts = format.facts_of(matrix);
    const std::lock_guard lock(facts_mutex_);
    facts_.symmetric &= facts.symmetric, facts_.ordered |= facts.ordered;
}

void CheckpointOutput::encode_direct(const CheckpointLayout::Linear &linear, Progress &progress) {
    const TensorInfo &t = *linear.stored;
    const EncodingTraits &encoding = *linear.encoding;
    const CheckpointFormat &format = layout_.format();
    const uint64_t cols = t.cols(), row_bytes = encoded_bytes(encoding, 1, cols);
    std::vector<std::byte> blocks(t.rows() * row_bytes);
    ErrorSums sums;
    if (linear.relaid) {
        const uint64_t stored_bytes = encoded_bytes(*t.encoding, 1, cols);
        std::vector<std::byte> rows;
        each_slab(t, 32, [&](uint64_t first, uint64_t count) {
            rows.resize(count * stored_bytes);
            source_.container().copy_rows(t, first, count, rows.data());
            for (uint64_t r = 0; r < count; r++)
                if (!relay(*t.encoding, rows.data() + r * stored_bytes, encoding, blocks.data() + (first + r) * row_bytes, cols))
                    fail(QUANT_ERR_INTERNAL, "{}: tensor {}: row {} cannot be laid out again", source_.name(), t.name, first + r);
        });
    } else {
        const WholeMatrix whole = measure(source_, t);
        std::vector<float> weights, back;
        each_slab(t, format.row_step(), [&](uint64_t first, uint64_t count) {
            weights.resize(count * cols), back.resize(count * cols);
            decode_stored(source_, t, first, count, weights.data());
            std::byte *to = blocks.data() + first * row_bytes;
            const uint64_t step = format.shares_scales() ? format.row_step() : 1;
            default_pool().parallel_for((count + step - 1) / step, 1, [&](size_t begin, size_t end, unsigned) {
                const uint64_t from = begin * step, n = std::min<uint64_t>(count, end * step) - from;
                const std::span<const float> some = std::span(weights).subspan(from * cols, n * cols);
                std::byte *rows = to + from * row_bytes;
                if (format.shares_scales()) format.encode(some, n, cols, whole, rows);
                else encode_matrix(encoding, QUANT_METHOD_SEARCH, some, {}, n, cols, {rows, n * row_bytes});
                encoding.decode(rows, back.data() + from * cols, n * (cols / encoding.block_weights));
            });
            sums += error_sums(weights, back);
            progress.report();
        });
    }
    pack(linear, blocks);
    for (const size_t i : linear.tensors) {
        PlannedTensor &p = planned_[i];
        p.rmse = std::sqrt(sums.error / static_cast<double>(std::max<uint64_t>(1, t.elements())));
        p.relative = sums.weight > 0 ? std::sqrt(sums.error / sums.weight) : 0;
        p.method = format.shares_scales() ? QUANT_METHOD_ROUND : QUANT_METHOD_SEARCH;
    }
}

void CheckpointOutput::copy(const CheckpointLayout::Copy &copy) {
    const TensorInfo &t = *copy.stored;
    if (!copy.encoding && !t.made) return writer_.write(copy.piece, 0, source_.container().data(t));
    if (!copy.encoding) {
        std::vector<std::byte> all(t.bytes);
        source_.container().copy_rows(t, 0, t.rows(), all.data());
        return writer_.write(copy.piece, 0, all);
    }
    const uint64_t row_bytes = encoded_bytes(*copy.encoding, 1, t.cols());
    std::vector<float> rows;
    std::vector<std::byte> bytes;
    each_slab(t, 1, [&](uint64_t first, uint64_t count) {
        rows.resize(count * t.cols()), bytes.resize(count * row_bytes);
        decode_stored(source_, t, first, count, rows.data());
        if (copy.encoding->id == QUANT_F16)
            for (const float v : rows)
                if (std::abs(v) > highest_half && std::isfinite(v))
                    fail(QUANT_ERR_UNSUPPORTED, "{}: tensor {} holds {}, which half precision has not: {} keeps what it does "
                         "not quantize in half precision", source_.name(), t.name, v, layout_.format().name());
        copy.encoding->encode(rows.data(), nullptr, bytes.data(), rows.size(), QUANT_METHOD_ROUND);
        writer_.write(copy.piece, first * row_bytes, bytes);
    });
}

void CheckpointOutput::finish(Progress &progress) {
    for (const CheckpointLayout::Linear &linear : layout_.linears()) {
        if (!linear.direct) continue;
        progress.stage(linear.stored->name);
        encode_direct(linear, progress);
        progress.advance(linear.stored->elements());
    }
    for (const CheckpointLayout::Copy &c : layout_.copies()) {
        progress.stage(c.stored->name);
        copy(c);
    }
}

// What the source's says, but for the quantization and the type of floats.
std::string CheckpointOutput::config() const {
    for (const fs::path &file : source_.side_files()) {
        if (file.filename() != "config.json") continue;
        json::value document = json::parse(source_.side_text(file), file.string());
        json::object &config = document.as_object();
        for (const char *key : {"quantization_config", "quantization", "compression_config"}) config.erase(key);
        const std::string &dtype = layout_.float_dtype();
        const char *name = dtype == "F32" ? "float32" : dtype == "F16" ? "float16" : "bfloat16";
        config[config.contains("dtype") ? "dtype" : "torch_dtype"] = name;
        layout_.format().describe(config, layout_.kept(), facts_);
        return json::serialize(document) + "\n";
    }
    fail(QUANT_ERR_NOT_FOUND, "{}: config.json is missing", source_.name());
}

std::string CheckpointOutput::commit() {
    writer_.add_file("config.json", config());
    for (const fs::path &file : source_.side_files()) {
        const std::string name = file.filename().string();
        if (name == "config.json" || name.ends_with(".index.json") || file.parent_path().filename() == "1_Pooling") continue;
        writer_.add_file(name, source_.side_text(file));
    }
    writer_.commit();
    return "";
}

} // namespace quant
