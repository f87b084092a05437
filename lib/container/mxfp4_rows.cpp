#include "container/mxfp4_rows.h"

#include <cstring>

namespace quant {

namespace {

constexpr uint64_t group = 32, code_bytes = group / 2;

/// Weights 2i and 2i + 1 share a byte in the file, weights i and i + 16 in a block.
void store_block(const std::byte *codes, std::byte scale, std::byte *out) {
    const auto code = [&](uint64_t i) { return static_cast<unsigned>(codes[i / 2]) >> (i % 2 * 4) & 15; };
    out[0] = scale;
    for (uint64_t i = 0; i < code_bytes; i++) out[1 + i] = static_cast<std::byte>(code(i) | code(i + code_bytes) << 4);
}

struct Mxfp4Rows final : MadeRows {
    std::span<const std::byte> codes, scales;
    uint64_t row_groups = 0;

    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        for (uint64_t g = first * row_groups; g < (first + count) * row_groups; g++, out += 1 + code_bytes)
            store_block(codes.data() + g * code_bytes, scales[g], out);
    }
};

// What the pieces hold is looked at by bytes, since writers shape them differently.
void require_bytes(const CheckpointBuilder &b, const TensorInfo &piece, uint64_t expected) {
    if (piece.type_name != "U8" && piece.type_name != "F8_E8M0" && piece.type_name != "U32")
        b.reject(piece, "its type is {}, expected bytes (U8)", piece.type_name);
    if (piece.bytes != expected) b.reject(piece, "{} bytes, expected {}", piece.bytes, expected);
}

} // namespace

void add_mxfp4(CheckpointBuilder &builder, std::string name, std::vector<uint64_t> shape, const TensorInfo &codes,
               const TensorInfo &scales) {
    if (shape.empty() || shape.back() == 0 || shape.back() % group != 0)
        builder.reject(codes, "rows of {} weights are no multiple of {}", shape.empty() ? 0 : shape.back(), group);
    const uint64_t weights = builder.elements(codes, shape);
    require_bytes(builder, codes, weights / 2);
    require_bytes(builder, scales, weights / group);
    auto rows = std::make_unique<Mxfp4Rows>();
    rows->codes = builder.data(codes), rows->scales = builder.data(scales);
    rows->row_groups = shape.back() / group;
    builder.add(std::move(name), std::move(shape), encoding_traits(QUANT_MXFP4), std::move(rows));
}

} // namespace quant
