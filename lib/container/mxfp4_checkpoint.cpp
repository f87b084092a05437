// MXFP4 as gpt-oss keeps it: for a matrix of `in` columns and `out` rows in each of E experts
//   X_blocks  uint8 [E, out, in / 32, 16]  two codes of neighbouring columns in a byte, the first in its low half
//   X_scales  uint8 [E, out, in / 32]      2^(byte - 127) for 32 columns
// They make X in [E, out, in], an expert's rows one after the other as a linear layer has them: the transpose of
// what a checkpoint in bfloat16 keeps as X ([E, in, out]). Rows of gate_up_proj alternate: row 2i is gate's row i,
// row 2i + 1 is up's.
// Source: the layout of openai/gpt-oss, read by transformers' Mxfp4 integration.
#include "container/mxfp4_rows.h"

namespace quant {

namespace {

void read_experts(CheckpointBuilder &b, const std::string &name) {
    const TensorInfo &blocks = b.require(name + "_blocks"), &scales = b.require(name + "_scales");
    if (blocks.shape.size() < 3 || blocks.shape.back() != 16)
        b.reject(blocks, "its shape is [{}], expected [experts, rows, columns / 32, 16]", joined(blocks.shape, ", "));
    std::vector<uint64_t> groups(blocks.shape.begin(), blocks.shape.end() - 1);
    b.check(blocks, {"U8"}, blocks.shape);
    b.check(scales, {"U8"}, groups);
    std::vector<uint64_t> shape = groups;
    shape.back() = b.elements(blocks, {groups.back(), 32});
    add_mxfp4(b, name, std::move(shape), blocks, scales);
}

} // namespace

void read_mxfp4(CheckpointBuilder &builder) {
    for (const std::string &name : builder.names_before("_blocks")) read_experts(builder, name);
}

} // namespace quant
