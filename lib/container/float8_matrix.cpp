#include "container/float8_matrix.h"

#include "container/packed_words.h"
#include "container/scaled_matrix.h"
#include "encoding/float8.h"

#include <numeric>

namespace quant {

namespace {

struct Float8Matrix final : ScaledMatrix {
    std::span<const std::byte> bytes;
    std::vector<float> values; ///< Scales, row by row of blocks.
    uint64_t block_rows = 0, block_cols = 0, across = 0;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        std::memcpy(out, bytes.data() + first * cols, count * cols);
    }
    void scales(uint64_t first, uint64_t count, float *out) const override {
        for (uint64_t r = first; r < first + count; r++)
            for (uint64_t g = 0; g < groups(); g++) *out++ = values[r / block_rows * across + g * group / block_cols];
    }
};

std::vector<float> scales_of(const CheckpointBuilder &b, const TensorInfo &scale) {
    std::vector<float> out(b.elements(scale, scale.shape));
    const std::span<const std::byte> bytes = b.data(scale);
    if (scale.type_name == "F8_E8M0" || scale.type_name == "U8") {
        for (uint64_t i = 0; i < out.size(); i++) out[i] = f32_from_e8m0(static_cast<uint8_t>(bytes[i]));
        return out;
    }
    if (scale.type_name != "F32" && scale.type_name != "BF16" && scale.type_name != "F16")
        b.reject(scale, "its type is {}, expected F32, BF16, F16 or F8_E8M0", printable(scale.type_name));
    const FloatPiece values(b, scale);
    for (uint64_t i = 0; i < out.size(); i++) out[i] = values.at(i);
    return out;
}

uint64_t rounded_up(uint64_t a, uint64_t b) { return a / b + (a % b != 0); }

} // namespace

void add_float8(CheckpointBuilder &builder, std::string name, const TensorInfo &weight, const TensorInfo &scale,
                uint64_t block_rows, uint64_t block_cols) {
    if (weight.shape.size() != 2 || weight.elements() == 0)
        builder.reject(weight, "its shape is [{}], expected rows and columns", joined(weight.shape, ", "));
    builder.check(weight, {"F8_E4M3", "F8_E5M2"}, weight.shape);
    auto m = std::make_unique<Float8Matrix>();
    m->rows = weight.shape[0], m->cols = weight.shape[1];
    const uint64_t numbers = builder.elements(scale, scale.shape);
    const std::vector<uint64_t> blocks = {rounded_up(m->rows, block_rows), rounded_up(m->cols, block_cols)};
    if (numbers == 1)
        block_rows = m->rows, block_cols = m->cols;
    else if (scale.shape == std::vector<uint64_t>{m->rows} || scale.shape == std::vector<uint64_t>{m->rows, 1})
        block_rows = scale.shape == blocks ? block_rows : 1, block_cols = scale.shape == blocks ? block_cols : m->cols;
    else if (scale.shape != blocks)
        builder.reject(scale, "its shape is [{}], expected [1], [{}, 1] or [{}]", joined(scale.shape, ", "), m->rows,
                       joined(blocks, ", "));
    m->block_rows = block_rows, m->block_cols = block_cols;
    m->across = rounded_up(m->cols, block_cols);
    m->group = std::gcd(m->cols, block_cols);
    m->kind = weight.type_name == "F8_E4M3" ? ScaledKind::e4m3 : ScaledKind::e5m2;
    m->bytes = builder.data(weight), m->values = scales_of(builder, scale);
    add_scaled(builder, std::move(name), std::move(m));
}

} // namespace quant
