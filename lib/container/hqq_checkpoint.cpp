// HQQ: for a linear of `in` columns and `out` rows named X, whose pieces are tensors, words and numbers among them:
//   X.W_q       codes of the matrix laid out anew: [out * in / group, group] for axis 1, [group, out * in / group] for
//               axis 0. Its first dimension is cut into equal parts of which all lie in the same words, the first in the
//               highest bits: bytes of 1, 2, 4 or 8 bits, or 32-bit words of ten codes of 3. With view_as_float the
//               same bytes say that they are floats.
//   X.scale, X.zero   floats: a number for each row of that (axis 1) or each column (axis 0); weight = (code - zero) * scale
//   X.shape, X.nbits, X.group_size, X.axis, X.packing   and more, which say how
// Along axis 1 a group is columns of a row; along axis 0 it has a weight of each of `group` parts of the matrix.
// Source: hqq's BitPack, Quantizer.dequantize() and HQQLinear.state_dict().
#include "base/checked.h"
#include "container/grouped_matrix.h"
#include "container/packed_words.h"

#include <algorithm>
#include <array>

namespace quant {

namespace {

/// How many codes lie in a word, and how large either is.
struct Packing {
    std::string_view name;
    int bits;
    uint64_t in_word, word_bytes;
};
constexpr Packing packings[] = {
    {"8bit_u8", 8, 1, 1}, {"4bit_u8", 4, 2, 1}, {"3bit_32", 3, 10, 4}, {"2bit_u8", 2, 4, 1}, {"1bit_u8", 1, 8, 1}};

/// Codes as they were before they were packed, by place in the matrix that was laid out anew.
struct PackedCodes {
    std::span<const std::byte> bytes;
    const Packing *packing = nullptr;
    uint64_t height = 0, width = 0; ///< Of that matrix.

    uint64_t step() const { return (height + packing->in_word - 1) / packing->in_word; }
    /// Columns [column, column + count) of a row.
    void copy(uint64_t row, uint64_t column, uint64_t count, uint8_t *out) const {
        const uint64_t part = packing->in_word - 1 - row / step(), first = row % step() * width + column;
        const auto shift = static_cast<uint32_t>(part) * static_cast<uint32_t>(packing->bits);
        const uint32_t mask = (1u << packing->bits) - 1;
        if (packing->word_bytes == 1)
            for (uint64_t i = 0; i < count; i++) out[i] = static_cast<uint8_t>(static_cast<uint32_t>(bytes[first + i]) >> shift & mask);
        else
            for (uint64_t i = 0; i < count; i++) out[i] = static_cast<uint8_t>(load_word(bytes, first + i) >> shift & mask);
    }
};

/// Along axis 1.
struct HqqMatrix final : GroupedMatrix {
    PackedCodes packed;
    FloatPiece scales, zeros;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        for (uint64_t g = first * groups(); g < (first + count) * groups(); g++)
            packed.copy(g, 0, group, out), out += group;
    }
    void numbers(uint64_t first, uint64_t count, float *d, float *second) const override {
        for (uint64_t g = first * groups(); g < (first + count) * groups(); g++) *d++ = scales.at(g), *second++ = zeros.at(g);
    }
};

/// Along axis 0, as floats of the numbers' own type: what hqq computes with.
struct AcrossRows final : MadeRows {
    PackedCodes packed;
    FloatPiece scales, zeros;
    const EncodingTraits *type = nullptr;
    uint64_t cols = 0;

    void round(std::vector<float> &x, std::byte *as) const {
        type->encode(x.data(), nullptr, as, x.size(), QUANT_METHOD_ROUND);
        type->decode(as, x.data(), x.size());
    }
    void write(uint64_t first, uint64_t count, std::byte *out) const override {
        std::vector<uint8_t> codes(cols);
        std::vector<float> x(cols);
        for (uint64_t r = first; r < first + count; r++, out += cols * type->block_bytes) {
            for (uint64_t c = 0, n; c < cols; c += n) {
                const uint64_t i = r * cols + c, column = i % packed.width;
                n = std::min(cols - c, packed.width - column);
                packed.copy(i / packed.width, column, n, codes.data() + c);
            }
            const auto number = [&](uint64_t c) { return (r * cols + c) % packed.width; };
            for (uint64_t c = 0; c < cols; c++) x[c] = static_cast<float>(codes[c]) - zeros.at(number(c));
            round(x, out);
            for (uint64_t c = 0; c < cols; c++) x[c] *= scales.at(number(c));
            round(x, out);
        }
    }
};

/// A number that is a tensor.
int64_t number_of(CheckpointBuilder &b, const std::string &name) {
    const TensorInfo &piece = b.require(name);
    b.check(piece, {"I32", "I64"}, piece.shape);
    if (piece.elements() != 1) b.reject(piece, "its shape is [{}], expected one number", joined(piece.shape, ", "));
    if (piece.type_name == "I32") return static_cast<int32_t>(load_word(b.data(piece), 0));
    int64_t out;
    std::memcpy(&out, b.data(piece).data(), sizeof out);
    return out;
}

const Packing &packing_of(CheckpointBuilder &b, const std::string &module) {
    const TensorInfo &piece = b.require(module + ".packing");
    b.check(piece, {"U8"}, piece.shape);
    const std::span<const std::byte> bytes = b.data(piece);
    const std::string_view name(reinterpret_cast<const char *>(bytes.data()), bytes.size());
    for (const Packing &p : packings)
        if (p.name == name) return p;
    b.reject(piece, "\"{}\" is not supported", printable(name));
}

struct Shape {
    uint64_t rows, cols;
};

Shape shape_of(CheckpointBuilder &b, const std::string &module) {
    const TensorInfo &piece = b.require(module + ".shape");
    b.check(piece, {"I64"}, {2});
    std::array<int64_t, 2> n{};
    std::memcpy(n.data(), b.data(piece).data(), sizeof n);
    if (n[0] <= 0 || n[1] <= 0) b.reject(piece, "[{}, {}], expected numbers above 0", n[0], n[1]);
    return {static_cast<uint64_t>(n[0]), static_cast<uint64_t>(n[1])};
}

// What config.json says of all matrices is what each says of itself.
void check_config(const CheckpointBuilder &b, const TensorInfo &codes, uint64_t group, uint64_t axis) {
    if (!b.config().has("quant_config")) return;
    const json::Reader all = b.config().require_object("quant_config");
    if (!all.has("weight_quant_params")) return; // A setting for each kind of matrix.
    const json::Reader stated = all.require_object("weight_quant_params");
    const auto same = [&](const char *key, uint64_t found) {
        const json::value *value = stated.find(key);
        if (!value || value->is_null()) return;
        if (const uint64_t said = stated.get_uint(key, found); said != found)
            b.reject(codes, "its {} is {}, but config.json says {}", key, found, said);
    };
    same("group_size", group);
    same("axis", axis);
}

const TensorInfo &require_numbers(CheckpointBuilder &b, const std::string &name, uint64_t axis, uint64_t groups) {
    const TensorInfo &piece = b.require(name);
    b.check(piece, {"F16", "BF16", "F32"}, axis == 1 ? std::vector<uint64_t>{groups, 1} : std::vector<uint64_t>{1, groups});
    return piece;
}

void read_module(CheckpointBuilder &b, const std::string &module) {
    const TensorInfo &weight = b.require(module + ".W_q");
    const Shape shape = shape_of(b, module);
    const uint64_t all = b.elements(weight, {shape.rows, shape.cols});
    const int64_t stated_group = number_of(b, module + ".group_size"), axis = number_of(b, module + ".axis");
    if (stated_group <= 0 || all % static_cast<uint64_t>(stated_group) != 0)
        b.reject(weight, "groups of {}, of which {} x {} weights are no whole number", stated_group, shape.rows, shape.cols);
    if (axis != 0 && axis != 1) b.reject(weight, "its axis is {}, expected 0 or 1", axis);
    const auto group = static_cast<uint64_t>(stated_group), groups = all / group;
    check_config(b, weight, group, static_cast<uint64_t>(axis));

    PackedCodes packed{b.data(weight), &packing_of(b, module), axis == 1 ? groups : group, axis == 1 ? group : groups};
    const uint64_t bytes = packed.step() * packed.width * packed.packing->word_bytes;
    if (packed.packing->bits != 3 && packed.height % packed.packing->in_word != 0)
        b.reject(weight, "{} codes, which {} has no words for", packed.height, packed.packing->name);
    if (weight.bytes != bytes)
        b.reject(weight, "{} bytes, but {} x {} weights in {} have {}", weight.bytes, shape.rows, shape.cols,
                 packed.packing->name, bytes);
    const TensorInfo &scales = require_numbers(b, module + ".scale", static_cast<uint64_t>(axis), groups);
    const TensorInfo &zeros = require_numbers(b, module + ".zero", static_cast<uint64_t>(axis), groups);
    // What is said twice, or only to hqq.
    for (const char *rest : {"nbits", "channel_wise", "compute_dtype", "encoded_state_dict", "offload_meta", "optimize",
                             "quant_scale", "quant_zero", "round_zero", "stores_quant_config", "unpack_view_dtype", "view_as_float"})
        b.take(module + "." + rest);

    if (axis == 1 && shape.cols % group == 0) {
        auto m = std::make_unique<HqqMatrix>();
        m->rows = shape.rows, m->cols = shape.cols, m->group = group, m->bits = packed.packing->bits;
        m->packed = packed, m->scales = FloatPiece(b, scales), m->zeros = FloatPiece(b, zeros);
        m->halves = scales.type_name == "F16" && zeros.type_name == "F16";
        return add_grouped(b, module + ".weight", std::move(m));
    }
    if (axis == 1) b.reject(weight, "groups of {} go over the ends of rows of {}", group, shape.cols);
    auto m = std::make_unique<AcrossRows>();
    m->packed = packed, m->scales = FloatPiece(b, scales), m->zeros = FloatPiece(b, zeros);
    m->type = scales.encoding, m->cols = shape.cols;
    const EncodingTraits &type = *m->type;
    b.add(module + ".weight", shape.rows, shape.cols, type, std::move(m));
}

} // namespace

void read_hqq(CheckpointBuilder &builder) {
    for (const std::string &module : builder.names_before(".W_q")) read_module(builder, module);
}

} // namespace quant
