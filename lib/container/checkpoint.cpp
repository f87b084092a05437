#include "container/checkpoint.h"

#include "base/checked.h"
#include "base/join.h"
#include "container/checkpoint_parts.h"

#include <algorithm>
#include <array>

namespace quant {

namespace {

/// One way of keeping quantized matrices.
struct Dialect {
    DialectInfo info;
    void (*read)(CheckpointBuilder &builder);
};

constexpr const char *gptqmodel = "GPTQModel 7.7.0", *ct = "compressed-tensors 0.20.0 and 0.12.2", *bnb = "bitsandbytes 0.50.2",
                     *hqq = "hqq 0.2.8",
                     *transformers = "transformers 5.23.0", *mlx = "mlx 0.32.4, mlx-lm 0.32.2";
constexpr Dialect dialects[] = {
    {{"awq", "4 bits, in the order of the GEMM kernels", "INT4_Gg", "AutoAWQ 0.2.9"}, read_awq},
    {{"bitnet", "packed, and the floats that training left", "TQ2_Gg", transformers}, read_bitnet},
    {{"bitsandbytes", "NF4 and FP4, with double quantization or without; LLM.int8()", "NF4_Gg, FP4_Gg, ABSMAX8_Gg", bnb}, read_bitsandbytes},
    {{"compressed-tensors", "pack-quantized (dense and padded, with zero points, with an order of columns), int-quantized, "
      "float-quantized, nvfp4-pack-quantized, mxfp4-pack-quantized, mixed groups", "INTn_Gg, E4M3_Gg, NVFP4_Gg, MXFP4", ct},
     read_compressed_tensors},
    {{"exl3", "trellis tensors of 2, 3 and 4 bits", "F32", "two readings of the published source"}, read_exl3},
    {{"fbgemm_fp8", "8-bit floats, a scale for a row", "E4M3_Gg", transformers}, read_float8},
    {{"fp8", "8-bit floats, a scale for a tensor, a row or 128 x 128 weights", "E4M3_Gg, E5M2_Gg", transformers}, read_float8},
    {{"gptq", "2, 3, 4 and 8 bits, versions 1 and 2, with zero points, with an order of columns (g_idx)", "INTn_Gg", gptqmodel}, read_gptq},
    {{"hqq", "1, 2, 3, 4 and 8 bits, along either axis", "INTn_Gg; along axis 0 F16 or BF16", hqq}, read_hqq},
    {{"mlx", "affine of 2 to 8 bits, mxfp4, mixed", "AFFINEn_Gg, MXFP4", mlx}, read_mlx},
    {{"mxfp4", "experts of gpt-oss", "MXFP4", transformers}, read_mxfp4},
};

std::string known_methods() {
    std::string list;
    for (const Dialect &d : dialects) list += (list.empty() ? "" : ", ") + std::string(d.info.method);
    return list;
}

const Dialect &require_dialect(const json::Reader &config, bool is_mlx) {
    // MLX's says no method; what it has is copied from the key that is its own.
    const std::string method = config.get_string("quant_method", is_mlx ? "mlx" : "");
    for (const Dialect &d : dialects)
        if (d.info.method == method) return d;
    fail(QUANT_ERR_UNSUPPORTED, "{}: quantization method \"{}\" is not supported; this version knows: {}",
         config.name(), printable(method.empty() ? "not stated" : method), known_methods());
}

} // namespace

std::span<const DialectInfo> checkpoint_dialects() {
    static const auto infos = [] {
        std::array<DialectInfo, std::size(dialects)> out{};
        for (size_t i = 0; i < out.size(); i++) out[i] = dialects[i].info;
        return out;
    }();
    return infos;
}

/// The stored tensors that are no pieces, and those that pieces make.
class CheckpointBuilder::MadeContainer final : public Container {
public:
    MadeContainer(std::shared_ptr<const Container> stored, ContainerKind kind, std::vector<TensorInfo> kept, std::vector<Made> made)
        : stored_(std::move(stored)),
          first_made_(kept.size()) {
        kind_ = kind;
        path_ = stored_->path();
        files_ = stored_->files();
        file_bytes_ = stored_->file_bytes();
        metadata_ = stored_->metadata();
        tensors_ = std::move(kept);
        for (Made &m : made) {
            tensors_.push_back(std::move(m.info));
            makers_.push_back(std::move(m.maker));
        }
        index_names();
    }

    std::span<const std::byte> data(const TensorInfo &tensor) const override {
        if (tensor.made) fail(QUANT_ERR_INTERNAL, "{}: tensor \"{}\" lies in no file", shown(path_), tensor.name);
        return stored_->data(tensor);
    }

    void copy_rows(const TensorInfo &tensor, uint64_t first, uint64_t count, std::byte *out) const override {
        if (!tensor.made) return stored_->copy_rows(tensor, first, count, out);
        const size_t place = static_cast<size_t>(&require(tensor.name) - tensors_.data());
        makers_[place - first_made_]->write(first, count, out);
    }

private:
    std::shared_ptr<const Container> stored_;
    size_t first_made_;
    std::vector<std::unique_ptr<const MadeRows>> makers_;
};

std::vector<std::string> CheckpointBuilder::names_before(std::string_view end) const {
    std::vector<std::string> out;
    for (const TensorInfo &t : stored_->tensors())
        if (t.name.size() > end.size() && t.name.ends_with(end))
            out.push_back(t.name.substr(0, t.name.size() - end.size()));
    return out;
}

const TensorInfo *CheckpointBuilder::take(const std::string &name) {
    const TensorInfo *piece = stored_->find(name);
    if (piece) taken_.insert(name);
    return piece;
}

const TensorInfo &CheckpointBuilder::require(const std::string &name) {
    const TensorInfo &piece = stored_->require(name);
    taken_.insert(name);
    return piece;
}

void CheckpointBuilder::check(const TensorInfo &piece, std::initializer_list<std::string_view> types,
                              const std::vector<uint64_t> &shape) const {
    if (std::find(types.begin(), types.end(), piece.type_name) == types.end())
        reject(piece, "its type is {}, expected {}", printable(piece.type_name), joined(types, " or "));
    if (piece.shape != shape)
        reject(piece, "its shape is [{}], expected [{}]", joined(piece.shape, ", "), joined(shape, ", "));
}

uint64_t CheckpointBuilder::elements(const TensorInfo &piece, const std::vector<uint64_t> &shape) const {
    uint64_t product = 1;
    for (const uint64_t n : shape) {
        const auto next = checked_mul(product, n);
        if (!next || *next > INT64_MAX) reject(piece, "the product of the shape [{}] overflows", joined(shape, ", "));
        product = *next;
    }
    return product;
}

void CheckpointBuilder::add(std::string name, uint64_t rows, uint64_t cols, const EncodingTraits &encoding,
                            std::unique_ptr<const MadeRows> maker, std::vector<uint32_t> columns) {
    add(std::move(name), {rows, cols}, encoding, std::move(maker), std::move(columns));
}

void CheckpointBuilder::add(std::string name, std::vector<uint64_t> shape, const EncodingTraits &encoding,
                            std::unique_ptr<const MadeRows> maker, std::vector<uint32_t> columns) {
    TensorInfo info{};
    info.name = std::move(name);
    info.shape = std::move(shape);
    info.encoding = &encoding;
    info.type_name = encoding.name;
    info.bytes = encoded_bytes(encoding, info.rows(), info.cols());
    info.made = true;
    if (!columns.empty()) info.columns = std::make_shared<const std::vector<uint32_t>>(std::move(columns));
    made_.push_back({std::move(info), std::move(maker)});
}

void CheckpointBuilder::rename(const TensorInfo &stored, std::string name) {
    taken_.insert(stored.name);
    renamed_.push_back(stored);
    renamed_.back().name = std::move(name);
}

std::shared_ptr<const Container> CheckpointBuilder::finish(ContainerKind kind) {
    std::vector<TensorInfo> kept = std::move(renamed_);
    for (const TensorInfo &t : stored_->tensors())
        if (!taken_.contains(t.name)) kept.push_back(t);
    return std::make_shared<MadeContainer>(stored_, kind, std::move(kept), std::move(made_));
}

std::shared_ptr<const Container> open_checkpoint(std::shared_ptr<const Container> stored, const json::Reader &config) {
    const bool is_mlx = config.has("quantization");
    if (!is_mlx && !config.has("quantization_config")) return stored;
    const json::Reader quantization = config.require_object(is_mlx ? "quantization" : "quantization_config");
    const Dialect &dialect = require_dialect(quantization, is_mlx);
    CheckpointBuilder builder(std::move(stored), quantization);
    dialect.read(builder);
    report_activations(quantization);
    return builder.finish();
}

} // namespace quant
