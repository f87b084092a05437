// compressed-tensors: what a module has says how it is quantized, so that mixed models need no more.
//   pack-quantized  X.weight_packed int32 [out, words], X.weight_scale [out, groups], or [out, 1], or [1]; for
//                   asymmetric groups X.weight_zero_point, packed along its rows; with the order of
//                   activations X.weight_g_idx int32 [in]; X.weight_shape [2]
//   int-quantized   X.weight int8 [out, in], X.weight_scale, X.weight_zero_point int8
//   floats          ct_float_checkpoint.cpp
// Codes count from the lowest: 2^(bits - 1) more than what they stand for. Words have 32 / bits codes each (before
// version 0.20, with bits left over), or are a dense stream; for 2, 4 and 8 bits that is the same.
// Source: compressed-tensors' pack_to_int32() of both versions.
#include "container/grouped_matrix.h"
#include "container/packed_words.h"

#include <algorithm>
#include <cstring>

namespace quant {

namespace {

/// Codes in words, one way or the other.
struct Packing {
    int bits;
    bool dense;

    uint64_t words(uint64_t count) const {
        const auto b = static_cast<uint64_t>(bits), of_word = 32 / b;
        return dense ? (count * b + 31) / 32 : (count + of_word - 1) / of_word;
    }
    /// Number `i` of those that begin at word `first` and lie `stride` words apart.
    uint32_t at(std::span<const std::byte> bytes, uint64_t first, uint64_t stride, uint64_t i) const {
        const auto b = static_cast<uint64_t>(bits), of_word = 32 / b;
        const uint32_t mask = static_cast<uint32_t>((uint64_t{1} << b) - 1);
        if (!dense) return load_word(bytes, first + i / of_word * stride) >> (i % of_word * b) & mask;
        const uint64_t word = i * b / 32, shift = i * b % 32;
        uint64_t two = load_word(bytes, first + word * stride);
        if (shift + b > 32) two |= uint64_t{load_word(bytes, first + (word + 1) * stride)} << 32;
        return static_cast<uint32_t>(two >> shift) & mask;
    }
};

/// How scales are shared: as many rows and columns of them as their piece has.
struct Scales {
    FloatPiece values;
    uint64_t rows = 1, groups = 1;

    float at(uint64_t row, uint64_t group) const { return values.at((rows == 1 ? 0 : row) * groups + group); }
};

struct CtMatrix : GroupedMatrix {
    Scales scales;
    std::span<const std::byte> zeros; ///< Empty: the middle.
    Packing packing{8, false};
    bool zeros_are_bytes = false;
    uint64_t zero_groups = 1, zero_rows = 1;

    float zero(uint64_t row, uint64_t column_group) const {
        const int middle = 1 << (bits - 1);
        if (zeros.empty()) return static_cast<float>(middle);
        const uint64_t g = zero_groups == 1 ? 0 : column_group, r = zero_rows == 1 ? 0 : row;
        if (zeros_are_bytes) return static_cast<float>(middle + static_cast<int8_t>(zeros[r * zero_groups + g]));
        return static_cast<float>(packing.at(zeros, g, zero_groups, r));
    }
    void numbers(uint64_t first, uint64_t count, float *d, float *second) const override {
        for (uint64_t r = first; r < first + count; r++)
            for (uint64_t g = 0; g < groups(); g++) *d++ = scales.at(r, scales.groups == 1 ? 0 : g), *second++ = zero(r, g);
    }
};

struct PackedMatrixPieces final : CtMatrix {
    std::span<const std::byte> packed;
    std::vector<uint32_t> order; ///< Empty: in order.

    bool has_dense_codes(uint64_t, uint64_t) const override { return order.empty() && packing.words(cols) == row_words() && (packing.dense || 32 % bits == 0); }
    void dense_codes(uint64_t first, uint64_t count, uint32_t *out) const override {
        std::memcpy(out, packed.data() + first * row_words() * sizeof(uint32_t), count * row_words() * sizeof(uint32_t));
    }

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        const uint64_t words = packing.words(cols);
        for (uint64_t r = first; r < first + count; r++)
            for (uint64_t c = 0; c < cols; c++)
                *out++ = static_cast<uint8_t>(packing.at(packed, r * words, 1, order.empty() ? c : order[c]));
    }
};

struct ByteMatrix final : CtMatrix {
    std::span<const std::byte> bytes;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        for (uint64_t i = first * cols; i < (first + count) * cols; i++) *out++ = static_cast<uint8_t>(bytes[i]) ^ 128;
    }
};

Scales read_scales(CheckpointBuilder &b, const std::string &module, uint64_t rows, uint64_t cols) {
    const TensorInfo &piece = b.require(module + ".weight_scale");
    b.check(piece, {"BF16", "F16", "F32"}, piece.shape);
    Scales out{FloatPiece(b, piece)};
    if (piece.elements() == 1) return out;
    out.rows = piece.shape[0], out.groups = piece.shape.size() < 2 ? 1 : piece.shape[1];
    if (piece.shape.size() > 2 || out.rows != rows || out.groups == 0 || out.groups > cols)
        b.reject(piece, "its shape is [{}], expected one scale, or [{}, groups]", joined(piece.shape, ", "), rows);
    return out;
}

/// What config.json says of the weights of each of its groups.
std::vector<json::Reader> stated_weights(const CheckpointBuilder &b) {
    std::vector<json::Reader> out;
    if (!b.config().has("config_groups")) return out;
    for (const auto &[key, value] : b.config().require_object("config_groups").raw()) {
        const json::Reader group(value, fmt::format("{}: config_groups.{}", b.config().name(), std::string_view(key)));
        if (group.has("weights")) out.push_back(group.require_object("weights"));
    }
    return out;
}

// Of the config's groups, the size that makes as many groups of these columns as there are.
uint64_t group_columns(const CheckpointBuilder &b, const TensorInfo &piece, uint64_t cols, uint64_t groups) {
    if (groups <= 1) return cols;
    bool any = false;
    uint64_t found = 0;
    for (const json::Reader &weights : stated_weights(b)) {
        const uint64_t size = weights.get_uint("group_size", 0);
        any |= size != 0;
        if (size != 0 && (cols + size - 1) / size == groups) found = size;
    }
    if (any && found == 0)
        b.reject(piece, "{} groups for {} columns, which no group_size of config.json makes", groups, cols);
    if (!any && cols % groups != 0) b.reject(piece, "{} groups for {} columns", groups, cols);
    return any ? found : cols / groups;
}

// Which bits, and whether dense, the width of the words says; of bits that config.json has.
Packing packing_of(const CheckpointBuilder &b, const TensorInfo &packed, uint64_t cols) {
    std::vector<int> stated;
    for (const json::Reader &weights : stated_weights(b)) {
        const uint64_t bits = weights.get_uint("num_bits", 4);
        if (bits >= 2 && bits <= 8) stated.push_back(static_cast<int>(bits));
    }
    for (const bool dense : {true, false})
        for (const int bits : stated)
            if (const Packing p{bits, dense}; p.words(cols) == packed.shape[1]) return p;
    b.reject(packed, "{} words for {} columns, which no num_bits of config.json makes", packed.shape[1], cols);
}

std::vector<uint64_t> shape_of_weight(CheckpointBuilder &b, const std::string &module, const TensorInfo &packed) {
    const TensorInfo &piece = b.require(module + ".weight_shape");
    b.check(piece, {"I64", "I32"}, {2});
    const std::span<const std::byte> bytes = b.data(piece);
    int64_t shape[2];
    for (size_t i = 0; i < 2; i++) {
        int32_t narrow = 0;
        if (piece.type_name == "I64") std::memcpy(&shape[i], bytes.data() + i * 8, 8);
        else std::memcpy(&narrow, bytes.data() + i * 4, 4), shape[i] = narrow;
    }
    if (packed.shape.size() != 2 || shape[0] <= 0 || shape[1] <= 0 || static_cast<uint64_t>(shape[0]) != packed.shape[0] ||
        shape[1] > INT32_MAX)
        b.reject(piece, "says [{}, {}], but {} is [{}]", shape[0], shape[1], packed.name, joined(packed.shape, ", "));
    return {static_cast<uint64_t>(shape[0]), static_cast<uint64_t>(shape[1])};
}

void read_zeros(CheckpointBuilder &b, const std::string &module, CtMatrix &m) {
    const std::string name = module + ".weight_zero_point";
    const TensorInfo *piece = b.take(name);
    if (!piece) {
        const std::vector<json::Reader> stated = stated_weights(b);
        const bool wanted = !stated.empty() && std::none_of(stated.begin(), stated.end(), [](const json::Reader &w) { return w.get_bool("symmetric", true); });
        if (wanted) b.reject(b.require(module + ".weight_scale"), "{} is missing, which \"symmetric\": false of config.json asks for", name);
        return;
    }
    m.zeros_are_bytes = piece->type_name == "I8";
    m.zero_groups = m.scales.groups, m.zero_rows = m.scales.rows;
    const uint64_t rows = m.zeros_are_bytes ? m.zero_rows : m.packing.words(m.zero_rows);
    if (piece->elements() == 1 && m.zeros_are_bytes) m.zero_groups = m.zero_rows = 1;
    else b.check(*piece, {"I32", "I8"}, {rows, m.zero_groups});
    m.zeros = b.data(*piece);
}

void read_packed(CheckpointBuilder &b, const std::string &module, const TensorInfo &packed) {
    auto m = std::make_unique<PackedMatrixPieces>();
    const std::vector<uint64_t> shape = shape_of_weight(b, module, packed);
    m->rows = shape[0], m->cols = shape[1];
    m->packing = packing_of(b, packed, m->cols);
    m->bits = m->packing.bits;
    b.check(packed, {"I32"}, {m->rows, m->packing.words(m->cols)});
    m->packed = b.data(packed);
    m->scales = read_scales(b, module, m->rows, m->cols);
    m->group = group_columns(b, b.require(module + ".weight_scale"), m->cols, m->scales.groups);
    read_zeros(b, module, *m);
    if (const TensorInfo *g_idx = b.take(module + ".weight_g_idx"))
        m->order = order_of_groups(b, *g_idx, m->cols, m->groups(), m->group);
    std::vector<uint32_t> columns = m->order;
    add_grouped(b, module + ".weight", std::move(m), std::move(columns));
}

void read_bytes(CheckpointBuilder &b, const std::string &module, const TensorInfo &weight) {
    if (weight.shape.size() != 2 || weight.elements() == 0)
        b.reject(weight, "its shape is [{}], expected rows and columns", joined(weight.shape, ", "));
    auto m = std::make_unique<ByteMatrix>();
    m->rows = weight.shape[0], m->cols = weight.shape[1], m->bits = 8;
    b.check(b.require(weight.name), {"I8"}, weight.shape);
    m->bytes = b.data(weight);
    m->scales = read_scales(b, module, m->rows, m->cols);
    m->group = group_columns(b, b.require(module + ".weight_scale"), m->cols, m->scales.groups);
    read_zeros(b, module, *m);
    for (const char *unused : {".input_scale", ".input_zero_point", ".output_scale"}) b.take(module + unused);
    add_grouped(b, weight.name, std::move(m));
}

// What would make other weights of the same pieces.
void refuse_changes(const json::Reader &config) {
    if (config.has("transform_config") && !config.require_object("transform_config").raw().empty())
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"transform_config\": matrices that are transformed (Hadamard and the like) are not supported",
             config.name());
    if (!config.has("sparsity_config")) return;
    if (const std::string format = config.require_object("sparsity_config").get_string("format", "dense"); format != "dense")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"sparsity_config\": format \"{}\" is not supported; expected \"dense\"", config.name(),
             printable(format));
}

} // namespace

void read_compressed_tensors(CheckpointBuilder &builder) {
    refuse_changes(builder.config());
    for (const std::string &module : builder.names_before(".weight_scale")) {
        const TensorInfo *packed = builder.stored().find(module + ".weight_packed");
        const TensorInfo *weight = builder.stored().find(module + ".weight");
        if (packed && packed->type_name == "I32") read_packed(builder, module, builder.require(packed->name));
        else if (weight && weight->type_name == "I8") read_bytes(builder, module, *weight);
        else read_ct_float(builder, module);
    }
}

} // namespace quant
