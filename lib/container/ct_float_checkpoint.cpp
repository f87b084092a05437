// Modules of compressed-tensors whose codes are floats:
//   float-quantized       X.weight 8-bit floats [out, in], X.weight_scale for the tensor, a row, a group of a row or a
//   block nvfp4-pack-quantized  X.weight_packed uint8 [out, in / 2], X.weight_scale E4M3 [out, in / 16],
//                         X.weight_global_scale float32 [1], which divides the scales
//   mxfp4-pack-quantized  X.weight_packed the same, X.weight_scale [out, in / 32], 2^(byte - 127)
// Which it is follows from the pieces. Scales of activations are taken and not used.
// Source: compressed-tensors' compressors of these names.
#include "container/float4_matrix.h"
#include "container/float8_matrix.h"
#include "container/mxfp4_rows.h"
#include "container/packed_words.h"

#include <cmath>

namespace quant {

namespace {

float divisor_of(const CheckpointBuilder &b, const TensorInfo &piece) {
    b.check(piece, {"F32", "F16", "BF16"}, piece.shape);
    if (piece.elements() != 1) b.reject(piece, "its shape is [{}], expected one number", joined(piece.shape, ", "));
    const float divisor = FloatPiece(b, piece).at(0);
    if (!std::isfinite(divisor) || divisor == 0) b.reject(piece, "a divisor of {}", divisor);
    return divisor;
}

struct BlockSize {
    uint64_t rows, cols;
};

// A group of columns is a block of one row; a block's size stands in the config.
BlockSize block_size(const CheckpointBuilder &b, const TensorInfo &weight, const TensorInfo &scale) {
    if (weight.shape.size() != 2 || scale.shape.size() != 2) return {128, 128};
    if (scale.shape[0] == weight.shape[0] && scale.shape[1] != 0 && weight.shape[1] % scale.shape[1] == 0)
        return {1, weight.shape[1] / scale.shape[1]};
    if (!b.config().has("config_groups")) return {128, 128};
    for (const auto &[key, value] : b.config().require_object("config_groups").raw()) {
        const json::Reader group(value, fmt::format("{}: config_groups.{}", b.config().name(), std::string_view(key)));
        if (!group.has("weights")) continue;
        const json::Reader weights = group.require_object("weights");
        if (!weights.has("block_structure")) continue;
        const json::array &sizes = weights.require_array("block_structure");
        const auto good = [](const json::value &v) { return v.is_int64() && v.get_int64() > 0; };
        if (sizes.size() != 2 || !good(sizes[0]) || !good(sizes[1]))
            fail(QUANT_ERR_MODEL, "{}: key \"block_structure\": {}, expected two numbers above 0", weights.name(),
                 json::serialize(sizes));
        return {static_cast<uint64_t>(sizes[0].get_int64()), static_cast<uint64_t>(sizes[1].get_int64())};
    }
    return {128, 128};
}

void read_float4(CheckpointBuilder &b, const std::string &module, const TensorInfo &packed) {
    const TensorInfo &scale = b.require(module + ".weight_scale");
    if (const TensorInfo *global = b.take(module + ".weight_global_scale"))
        return add_float4(b, module + ".weight", packed, scale, divisor_of(b, *global));
    if (packed.shape.size() != 2) b.reject(packed, "{} dimensions, expected 2", packed.shape.size());
    b.check(packed, {"U8"}, packed.shape);
    b.check(scale, {"U8", "F8_E8M0"}, {packed.shape[0], packed.shape[1] / 16});
    add_mxfp4(b, module + ".weight", {packed.shape[0], b.elements(packed, {packed.shape[1], 2})}, packed, scale);
}

} // namespace

void read_ct_float(CheckpointBuilder &builder, const std::string &module) {
    for (const char *unused : {".input_scale", ".input_global_scale", ".output_scale", ".input_zero_point"})
        builder.take(module + unused);
    if (const TensorInfo *packed = builder.take(module + ".weight_packed"))
        return read_float4(builder, module, *packed);
    const TensorInfo &weight = builder.require(module + ".weight"), &scale = builder.require(module + ".weight_scale");
    const BlockSize block = block_size(builder, weight, scale);
    add_float8(builder, weight.name, weight, scale, block.rows, block.cols);
}

} // namespace quant
