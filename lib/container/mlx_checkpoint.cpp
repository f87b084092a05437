// MLX: for a linear, or the embedding, of `cols` columns and `rows` rows
//   weight  uint32 [rows, cols * bits / 32]  codes, a dense stream along each row
//   scales  float [rows, cols / group]       and biases alike: weight = scale * code + bias
// In mode "mxfp4" scales are uint8 [rows, cols / 32], 2^(byte - 127), and there are no biases.
// Which modules are quantized is seen by their scales. Source: MLX's mx.quantize().
#include "container/grouped_matrix.h"
#include "container/mxfp4_rows.h"
#include "container/packed_words.h"

namespace quant {

namespace {

struct MlxMatrix final : GroupedMatrix {
    std::span<const std::byte> weight;
    FloatPiece scales, biases;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        const uint64_t words = cols * static_cast<uint64_t>(bits) / 32;
        std::vector<uint32_t> row(words + 1);
        for (uint64_t r = first; r < first + count; r++, out += cols) {
            std::memcpy(row.data(), weight.data() + r * words * sizeof(uint32_t), words * sizeof(uint32_t));
            unpack_dense(row.data(), bits, cols, out);
        }
    }

    bool has_dense_codes(uint64_t, uint64_t) const override { return true; }
    void dense_codes(uint64_t first, uint64_t count, uint32_t *out) const override {
        std::memcpy(out, weight.data() + first * row_words() * sizeof(uint32_t), count * row_words() * sizeof(uint32_t));
    }

    void numbers(uint64_t first, uint64_t count, float *d, float *second) const override {
        for (uint64_t i = first * groups(); i < (first + count) * groups(); i++) *d++ = scales.at(i), *second++ = biases.at(i);
    }
};

// What the config says of a module, or of all.
uint64_t stated(const CheckpointBuilder &b, const std::string &module, std::string_view key, uint64_t fallback) {
    const json::value *of = b.config().find(module);
    if (of && of->is_object()) return json::Reader(*of, b.config().name() + ": " + module).get_uint(key, fallback);
    return b.config().get_uint(key, fallback);
}

void read_affine(CheckpointBuilder &b, const std::string &name, const TensorInfo &scales) {
    const TensorInfo &weight = b.require(name + ".weight"), &biases = b.require(name + ".biases");
    for (const TensorInfo *piece : {&weight, &scales})
        if (piece->shape.size() != 2) b.reject(*piece, "{} dimensions, expected 2", piece->shape.size());
    auto m = std::make_unique<MlxMatrix>();
    m->rows = weight.shape[0], m->bias = true;
    m->group = stated(b, name, "group_size", 64);
    m->cols = b.elements(scales, {scales.shape[1], m->group});
    const uint64_t bits = stated(b, name, "bits", 4);
    if (m->cols == 0 || bits < 2 || bits > 8 || b.elements(weight, {weight.shape[1], 32}) != b.elements(weight, {m->cols, bits}))
        b.reject(weight, "{} words in a row, but config.json says group_size {} and {} bits, and {} has {} groups",
                 weight.shape[1], m->group, bits, scales.name, scales.shape[1]);
    m->bits = static_cast<int>(bits);
    b.check(weight, {"U32"}, weight.shape);
    b.check(scales, {"F16", "BF16", "F32"}, {m->rows, m->groups()});
    b.check(biases, {"F16", "BF16", "F32"}, {m->rows, m->groups()});
    m->weight = b.data(weight), m->scales = FloatPiece(b, scales), m->biases = FloatPiece(b, biases);
    m->halves = scales.type_name == "F16" && biases.type_name == "F16";
    add_grouped(b, name + ".weight", std::move(m));
}

void read_float4(CheckpointBuilder &b, const std::string &name, const TensorInfo &scales) {
    const TensorInfo &weight = b.require(name + ".weight");
    if (weight.shape.size() != 2) b.reject(weight, "{} dimensions, expected 2", weight.shape.size());
    add_mxfp4(b, name + ".weight", {weight.shape[0], b.elements(weight, {weight.shape[1], 8})}, weight, scales);
}

} // namespace

void read_mlx(CheckpointBuilder &builder) {
    const std::string mode = builder.config().get_string("mode", "affine");
    if (mode != "affine" && mode != "mxfp4")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"mode\": \"{}\" is not supported; expected \"affine\" or \"mxfp4\"",
             builder.config().name(), printable(mode));
    for (const std::string &name : builder.names_before(".scales")) {
        const TensorInfo &scales = builder.require(name + ".scales");
        if (scales.type_name == "U8") read_float4(builder, name, scales);
        else read_affine(builder, name, scales);
    }
}

} // namespace quant
