// FP8: X.weight of 8-bit floats [out, in], which X.weight_scale_inv multiplies, its name notwithstanding
// (DeepSeek's layout: [out / 128, in / 128] float32, blocks of weight_block_size), or X.weight_scale (one, or
// one for each row: fbgemm_fp8 and AutoFP8). Scales of activations are taken and not used.
// Source: transformers' FineGrainedFP8 and FbgemmFp8 integrations.
#include "container/float8_matrix.h"

namespace quant {

namespace {

struct BlockSize {
    uint64_t rows = 128, cols = 128;
};

BlockSize block_size(const json::Reader &config) {
    if (!config.has("weight_block_size")) return {};
    const json::array &sizes = config.require_array("weight_block_size");
    const auto good = [](const json::value &v) { return v.is_int64() && v.get_int64() > 0; };
    if (sizes.size() != 2 || !good(sizes[0]) || !good(sizes[1]))
        fail(QUANT_ERR_MODEL, "{}: key \"weight_block_size\": {}, expected two numbers above 0", config.name(),
             json::serialize(sizes));
    return {static_cast<uint64_t>(sizes[0].get_int64()), static_cast<uint64_t>(sizes[1].get_int64())};
}

} // namespace

void read_float8(CheckpointBuilder &builder) {
    const BlockSize block = block_size(builder.config());
    for (const TensorInfo &t : builder.stored().tensors()) {
        if (!t.type_name.starts_with("F8_E") || !t.name.ends_with(".weight")) continue;
        const std::string module = t.name.substr(0, t.name.size() - std::string_view("weight").size());
        const TensorInfo *scale = builder.take(t.name + "_scale_inv");
        if (!scale) scale = builder.take(t.name + "_scale");
        if (!scale) scale = &builder.require(t.name + "_scale_inv");
        for (const char *unused : {"input_scale", "activation_scale", "input_scale_ub"}) builder.take(module + unused);
        add_float8(builder, t.name, builder.require(t.name), *scale, block.rows, block.cols);
    }
}

} // namespace quant
