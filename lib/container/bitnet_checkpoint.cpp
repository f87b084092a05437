// BitNet: weights -1, 0, 1 times one scale of the matrix, for a linear X of `in` columns and `out` rows
//   X.weight        uint8 [out / 4, in]  bits 2q and 2q + 1 of byte row r are row r + q * out / 4, plus one
//   X.weight_scale  float [1]            multiplies (linear_class "autobitlinear") or divides ("bitlinear", the
//   default)
// With quantization_mode "online" X.weight is the floats that training left, [out, in], and is made ternary here:
// s = 1 / mean|w|, x = clamp(round(w * s), -1, 1) / s.
// Source: transformers' BitNet integration (BitLinear, AutoBitLinear, WeightQuant).
#include "container/packed_words.h"
#include "container/scaled_matrix.h"

#include <algorithm>
#include <cmath>
#include <mutex>

namespace quant {

namespace {

struct PackedTernary final : ScaledMatrix {
    std::span<const std::byte> packed;
    float d = 0;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        const uint64_t quarter = rows / 4;
        for (uint64_t r = first; r < first + count; r++)
            for (uint64_t c = 0; c < cols; c++)
                *out++ = static_cast<uint8_t>(
                    static_cast<unsigned>(packed[r % quarter * cols + c]) >> (r / quarter * 2) & 3);
    }
    void scales(uint64_t, uint64_t count, float *out) const override { std::fill_n(out, count, d); }
};

/// The mean is of all weights, so it waits until one is asked for.
struct MasterTernary final : ScaledMatrix {
    FloatPiece master;
    mutable std::once_flag once;
    mutable float inverse = 0;

    float scale() const {
        std::call_once(once, [&] {
            double sum = 0;
            for (uint64_t i = 0; i < rows * cols; i++) sum += std::abs(master.at(i));
            const auto mean = static_cast<float>(sum / static_cast<double>(rows * cols));
            inverse = 1 / std::max(mean, 1e-5f);
        });
        return inverse;
    }
    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        const float s = scale();
        for (uint64_t i = first * cols; i < (first + count) * cols; i++)
            *out++ = static_cast<uint8_t>(std::clamp(std::nearbyint(master.at(i) * s), -1.0f, 1.0f) + 1);
    }
    void scales(uint64_t, uint64_t count, float *out) const override { std::fill_n(out, count, 1 / scale()); }
};

float scale_of(CheckpointBuilder &b, const std::string &name, bool multiplies) {
    const TensorInfo &piece = b.require(name + ".weight_scale");
    b.check(piece, {"F32", "F16", "BF16"}, piece.shape);
    if (piece.elements() != 1) b.reject(piece, "its shape is [{}], expected one number", joined(piece.shape, ", "));
    const float stored = FloatPiece(b, piece).at(0);
    if (!std::isfinite(stored) || stored == 0) b.reject(piece, "a scale of {}", stored);
    return multiplies ? stored : 1 / stored;
}

void read_packed(CheckpointBuilder &b, const std::string &name, bool multiplies) {
    const TensorInfo &weight = b.require(name + ".weight");
    if (weight.shape.size() != 2 || weight.elements() == 0)
        b.reject(weight, "its shape is [{}], expected rows / 4 and columns", joined(weight.shape, ", "));
    b.check(weight, {"U8"}, weight.shape);
    auto m = std::make_unique<PackedTernary>();
    b.elements(weight, {weight.shape[0], 4, weight.shape[1]});
    m->rows = weight.shape[0] * 4, m->cols = m->group = weight.shape[1];
    m->kind = ScaledKind::ternary;
    m->packed = b.data(weight), m->d = scale_of(b, name, multiplies);
    add_scaled(b, name + ".weight", std::move(m));
}

void read_master(CheckpointBuilder &b, const TensorInfo &weight) {
    b.check(weight, {"F32", "F16", "BF16"}, weight.shape);
    auto m = std::make_unique<MasterTernary>();
    m->rows = weight.shape[0], m->cols = m->group = weight.shape[1];
    m->kind = ScaledKind::ternary, m->half_scales = false;
    m->master = FloatPiece(b, weight);
    add_scaled(b, b.require(weight.name).name, std::move(m));
}

bool is_converted(const CheckpointBuilder &b, const TensorInfo &t) {
    if (t.shape.size() != 2 || t.elements() == 0 || !t.name.ends_with("_proj.weight")) return false;
    if (!b.config().has("modules_to_not_convert")) return true;
    const json::array &kept = b.config().require_array("modules_to_not_convert");
    return std::none_of(kept.begin(), kept.end(), [&](const json::value &v) {
        return v.is_string() && t.name.find(std::string_view(v.get_string())) != std::string::npos;
    });
}

bool is_one_of(const CheckpointBuilder &b, const char *key, const char *fallback, const char *asked,
               const char *other) {
    const std::string value = b.config().get_string(key, fallback);
    if (value != asked && value != other)
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"{}\": \"{}\" is not supported; expected \"{}\" or \"{}\"",
             b.config().name(), key, printable(value), asked, other);
    return value == asked;
}

} // namespace

void read_bitnet(CheckpointBuilder &builder) {
    const bool multiplies = is_one_of(builder, "linear_class", "bitlinear", "autobitlinear", "bitlinear");
    if (is_one_of(builder, "quantization_mode", "offline", "offline", "online")) {
        for (const std::string &name : builder.names_before(".weight_scale")) read_packed(builder, name, multiplies);
    } else {
        for (const TensorInfo &t : builder.stored().tensors())
            if (is_converted(builder, t)) read_master(builder, t);
    }
}

} // namespace quant
