// GPTQ, as AutoGPTQ and GPTQModel write it: for a linear of `in` columns and `out` rows
//   qweight  int32 [in * bits / 32, out]     codes of a row of the matrix down a column, a dense stream
//   qzeros   int32 [groups, out * bits / 32] zero points, a dense stream; one less than they are in version 1
//   scales   float [groups, out]
//   g_idx    int32 [in]                      the group of each column; not in all files
// Source: the layout that AutoGPTQ's QuantLinear.pack() writes.
#include "container/grouped_matrix.h"
#include "container/packed_words.h"

#include <cstring>

namespace quant {

namespace {

struct GptqMatrix final : GroupedMatrix {
    std::span<const std::byte> qweight, qzeros;
    FloatPiece scales;
    std::vector<uint32_t> order; ///< Empty: in order.
    bool zero_less_one = true;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        // Words of neighbouring rows are neighbours, so those of all rows are gathered at once.
        const uint64_t words = cols * static_cast<uint64_t>(bits) / 32, stride = words + 1;
        std::vector<uint32_t> gathered(count * stride);
        for (uint64_t w = 0; w < words; w++)
            for (uint64_t r = 0; r < count; r++) gathered[r * stride + w] = load_word(qweight, w * rows + first + r);
        std::vector<uint8_t> plain(order.empty() ? 0 : cols);
        for (uint64_t r = 0; r < count; r++, out += cols) {
            unpack_dense(gathered.data() + r * stride, bits, cols, order.empty() ? out : plain.data());
            for (uint64_t c = 0; c < plain.size(); c++) out[c] = plain[order[c]];
        }
    }

    bool has_dense_codes(uint64_t, uint64_t) const override { return order.empty(); }
    void dense_codes(uint64_t first, uint64_t count, uint32_t *out) const override {
        const uint64_t words = row_words();
        for (uint64_t w = 0; w < words; w++)
            for (uint64_t r = 0; r < count; r++) out[r * words + w] = load_word(qweight, w * rows + first + r);
    }

    void numbers(uint64_t first, uint64_t count, float *d, float *second) const override {
        const uint64_t row_words = rows * static_cast<uint64_t>(bits) / 32;
        const uint32_t mask = (1u << bits) - 1;
        for (uint64_t r = 0; r < count; r++)
            for (uint64_t g = 0; g < groups(); g++) {
                *d++ = scales.at(g * rows + first + r);
                const uint32_t zero = dense_at(qzeros, g * row_words, row_words, bits, first + r);
                *second++ = static_cast<float>(zero_less_one ? (zero + 1) & mask : zero);
            }
    }
};

int bits_of(const CheckpointBuilder &b, const TensorInfo &qzeros, uint64_t rows) {
    const uint64_t bits = rows == 0 ? 0 : qzeros.shape[1] * 32 / rows;
    if ((bits != 2 && bits != 3 && bits != 4 && bits != 8) || bits * rows != qzeros.shape[1] * 32)
        b.reject(qzeros, "{} words for {} zero points: expected 2, 3, 4 or 8 bits each", qzeros.shape[1], rows);
    if (const uint64_t stated = b.config().get_uint("bits", bits); stated != bits && !b.config().has("dynamic"))
        b.reject(qzeros, "{} words for {} zero points make {} bits, but config.json says {}", qzeros.shape[1], rows,
                 bits, stated);
    return static_cast<int>(bits);
}

void require_matrix(const CheckpointBuilder &b, const TensorInfo &piece) {
    if (piece.shape.size() != 2) b.reject(piece, "{} dimensions, expected 2", piece.shape.size());
}

void read_matrix(CheckpointBuilder &b, const std::string &name, bool zero_less_one) {
    const TensorInfo &qweight = b.require(name + ".qweight"), &qzeros = b.require(name + ".qzeros"),
                     &scales = b.require(name + ".scales");
    for (const TensorInfo *piece : {&qweight, &qzeros, &scales}) require_matrix(b, *piece);
    auto m = std::make_unique<GptqMatrix>();
    m->rows = scales.shape[1];
    m->bits = bits_of(b, qzeros, m->rows);
    m->cols = qweight.shape[0] * 32 / static_cast<uint64_t>(m->bits);
    m->group = group_size(b, scales, m->cols, scales.shape[0]);
    b.check(qweight, {"I32"}, {m->cols * static_cast<uint64_t>(m->bits) / 32, m->rows});
    b.check(qzeros, {"I32"}, {m->groups(), m->rows * static_cast<uint64_t>(m->bits) / 32});
    b.check(scales, {"F16", "BF16", "F32"}, {m->groups(), m->rows});
    m->qweight = b.data(qweight), m->qzeros = b.data(qzeros);
    m->scales = FloatPiece(b, scales);
    m->halves = scales.type_name == "F16";
    m->zero_less_one = zero_less_one;
    if (const TensorInfo *g_idx = b.take(name + ".g_idx"))
        m->order = order_of_groups(b, *g_idx, m->cols, m->groups(), m->group);
    std::vector<uint32_t> columns = m->order;
    add_grouped(b, name + ".weight", std::move(m), std::move(columns));
}

// Files from before there was a word for it are of version 1.
bool stores_zero_less_one(const CheckpointBuilder &b) {
    const std::string format = b.config().get_string("checkpoint_format", "gptq");
    if (format != "gptq" && format != "gptq_v2")
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"checkpoint_format\": \"{}\" is not supported; expected \"gptq\" or \"gptq_v2\"",
             b.config().name(), printable(format));
    return format == "gptq";
}

} // namespace

void read_gptq(CheckpointBuilder &builder) {
    const bool zero_less_one = stores_zero_less_one(builder);
    for (const std::string &name : builder.names_before(".qweight")) read_matrix(builder, name, zero_less_one);
}

} // namespace quant
