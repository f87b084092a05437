// bitsandbytes. In 4 bits, for a linear of `in` columns and `out` rows named X.weight:
//   X.weight                            bytes of two codes, the first in the high half, over the flattened matrix;
//                                       of any type that bnb_4bit_quant_storage names
//   X.weight.absmax                     float32, a scale for each `blocksize` weights of the flattened matrix
//   X.weight.quant_map                  float32 [16], the levels
//   X.weight.quant_state.bitsandbytes__nf4 (fp4)   JSON: quant_type, blocksize, shape, nested_blocksize, nested_offset
// With double quantization absmax is bytes, and a scale is
//   nested_quant_map[absmax[i]] * nested_absmax[i / nested_blocksize] + nested_offset
// LLM.int8(): X.weight int8 [out, in], X.SCB float32 [out], X.weight_format; a weight is int8 * SCB[row] / 127.
// Source: bitsandbytes' QuantState.as_dict() and Linear8bitLt.
#include "container/packed_words.h"
#include "container/scaled_matrix.h"

#include <algorithm>
#include <numeric>

namespace quant {

namespace {

constexpr std::string_view state_end[] = {".quant_state.bitsandbytes__nf4", ".quant_state.bitsandbytes__fp4"};

/// Read where they lie: there are many.
struct BlockScales {
    std::span<const std::byte> absmax;
    std::vector<float> map, nested; ///< Empty: absmax are floats.
    uint64_t nested_blocksize = 0;
    float offset = 0;

    float at(uint64_t block) const {
        if (!map.empty()) return map[static_cast<size_t>(absmax[block])] * nested[block / nested_blocksize] + offset;
        float v;
        std::memcpy(&v, absmax.data() + block * sizeof v, sizeof v);
        return v;
    }
};

struct FourBitMatrix final : ScaledMatrix {
    std::span<const std::byte> packed;
    BlockScales absmax;
    uint64_t blocksize = 0;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        for (uint64_t i = first * cols; i < (first + count) * cols; i++)
            *out++ = static_cast<uint8_t>(static_cast<unsigned>(packed[i / 2]) >> (i % 2 == 0 ? 4 : 0) & 15);
    }
    void scales(uint64_t first, uint64_t count, float *out) const override {
        for (uint64_t g = first * groups(); g < (first + count) * groups(); g++)
            *out++ = absmax.at(g * group / blocksize);
    }
};

struct Int8Matrix final : ScaledMatrix {
    std::span<const std::byte> bytes;
    FloatPiece largest;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        std::memcpy(out, bytes.data() + first * cols, count * cols);
    }
    void scales(uint64_t first, uint64_t count, float *out) const override {
        for (uint64_t r = first; r < first + count; r++) *out++ = largest.at(r);
    }
};

std::vector<float> floats_of(const CheckpointBuilder &b, const TensorInfo &piece, uint64_t count) {
    b.check(piece, {"F32"}, {count});
    const FloatPiece values(b, piece);
    std::vector<float> out(count);
    for (uint64_t i = 0; i < count; i++) out[i] = values.at(i);
    return out;
}

/// What the JSON of a matrix says.
struct State {
    std::string type;
    uint64_t blocksize, rows, cols;
    uint64_t nested_blocksize; ///< 0: scales are floats.
    float nested_offset;
};

uint64_t blocksize_of(const CheckpointBuilder &b, const TensorInfo &piece, const json::Reader &state, const char *key) {
    const uint64_t size = state.require_uint(key);
    if (size == 0 || size > (uint64_t{1} << 32)) b.reject(piece, "key \"{}\": {}, expected 1 to 2^32", key, size);
    return size;
}

State read_state(const CheckpointBuilder &b, const TensorInfo &piece, std::string_view end) {
    if (piece.type_name != "U8") b.reject(piece, "its type is {}, expected U8", printable(piece.type_name));
    const std::span<const std::byte> bytes = b.data(piece);
    const std::string name =
        fmt::format("{}: tensor \"{}\"", shown(b.stored().files()[piece.file]), printable(piece.name));
    const json::value document = json::parse({reinterpret_cast<const char *>(bytes.data()), bytes.size()}, name);
    const json::Reader reader(document, name);
    State s{reader.require_string("quant_type"), blocksize_of(b, piece, reader, "blocksize"), 0, 0, 0, 0};
    if (!end.ends_with("__" + s.type))
        b.reject(piece, "key \"quant_type\" is \"{}\", which its name contradicts", printable(s.type));
    if (const std::string stated = b.config().get_string("bnb_4bit_quant_type", s.type);
        stated != s.type && b.config().get_bool("load_in_4bit", true))
        b.reject(piece, "key \"quant_type\" is \"{}\", but config.json's bnb_4bit_quant_type is \"{}\"", s.type,
                 printable(stated));
    const json::array &shape = reader.require_array("shape");
    const auto number = [&](const json::value &v) {
        if (v.is_int64() && v.get_int64() > 0) return static_cast<uint64_t>(v.get_int64());
        b.reject(piece, "key \"shape\": {}, expected two numbers above 0", json::serialize(shape));
    };
    if (shape.size() != 2) b.reject(piece, "key \"shape\": {} numbers, expected 2", shape.size());
    s.rows = number(shape[0]), s.cols = number(shape[1]);
    if (reader.has("nested_blocksize") || reader.has("nested_offset")) {
        s.nested_blocksize = blocksize_of(b, piece, reader, "nested_blocksize");
        s.nested_offset = static_cast<float>(reader.get_number("nested_offset", 0));
    }
    return s;
}

BlockScales read_absmax(CheckpointBuilder &b, const std::string &name, const State &s, uint64_t blocks) {
    const TensorInfo &piece = b.require(name + ".absmax");
    const bool nested = s.nested_blocksize != 0;
    b.check(piece, {nested ? "U8" : "F32"}, {blocks});
    BlockScales out{b.data(piece), {}, {}, s.nested_blocksize, s.nested_offset};
    if (!nested) return out;
    out.map = floats_of(b, b.require(name + ".nested_quant_map"), 256);
    out.nested = floats_of(b, b.require(name + ".nested_absmax"),
                           blocks / s.nested_blocksize + (blocks % s.nested_blocksize != 0));
    return out;
}

bool is_standard(ScaledKind kind, const std::vector<float> &levels) {
    for (uint8_t code = 0; code < 16; code++)
        if (levels[code] != scaled_weight(kind, code, 1)) return false;
    return true;
}

void read_four_bits(CheckpointBuilder &b, const std::string &name, std::string_view end) {
    const State s = read_state(b, b.require(name + std::string(end)), end);
    const TensorInfo &weight = b.require(name);
    const uint64_t weights = b.elements(weight, {s.rows, s.cols});
    if (weight.bytes != weights / 2 + weights % 2)
        b.reject(weight, "{} bytes, but its quant_state says {} x {} weights of 4 bits", weight.bytes, s.rows, s.cols);
    auto m = std::make_unique<FourBitMatrix>();
    m->rows = s.rows, m->cols = s.cols;
    m->blocksize = s.blocksize, m->group = std::gcd(s.cols, s.blocksize);
    m->kind = s.type == "nf4" ? ScaledKind::nf4 : ScaledKind::fp4;
    m->packed = b.data(weight);
    m->absmax = read_absmax(b, name, s, (weights + s.blocksize - 1) / s.blocksize);
    if (std::vector<float> levels = floats_of(b, b.require(name + ".quant_map"), 16); !is_standard(m->kind, levels))
        m->levels = std::move(levels);
    add_scaled(b, name, std::move(m));
}

void read_int8(CheckpointBuilder &b, const std::string &name) {
    const TensorInfo &weight = b.require(name + ".weight"), &largest = b.require(name + ".SCB");
    if (const TensorInfo *format = b.take(name + ".weight_format")) {
        if (format->type_name != "U8" || format->bytes != 1) b.reject(*format, "expected one byte");
        if (b.data(*format)[0] != std::byte{0})
            b.reject(*format, "format {} of weights is not supported; expected 0 (rows)",
                     static_cast<int>(b.data(*format)[0]));
    }
    if (weight.shape.size() != 2) b.reject(weight, "{} dimensions, expected 2", weight.shape.size());
    b.check(weight, {"I8"}, weight.shape);
    b.check(largest, {"F32"}, {weight.shape[0]});
    if (weight.shape[1] == 0) b.reject(weight, "rows of no weights");
    auto m = std::make_unique<Int8Matrix>();
    m->rows = weight.shape[0], m->cols = m->group = weight.shape[1];
    m->kind = ScaledKind::absmax8;
    m->bytes = b.data(weight), m->largest = FloatPiece(b, largest);
    add_scaled(b, name + ".weight", std::move(m));
}

} // namespace

void read_bitsandbytes(CheckpointBuilder &builder) {
    for (const std::string_view end : state_end)
        for (const std::string &name : builder.names_before(end)) read_four_bits(builder, name, end);
    for (const std::string &name : builder.names_before(".SCB")) read_int8(builder, name);
}

} // namespace quant
