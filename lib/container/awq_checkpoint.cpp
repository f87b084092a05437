// AWQ in the order of its GEMM kernels, for a linear of `in` columns and `out` rows:
//   qweight  int32 [in, out / 8]      eight rows' codes of a column in a word, in the order of `place`
//   qzeros   int32 [groups, out / 8]  zero points, likewise
//   scales   float [groups, out]
// Source: AutoAWQ's WQLinear_GEMM.
#include "container/grouped_matrix.h"
#include "container/packed_words.h"

namespace quant {

namespace {

constexpr int bits = 4;
constexpr uint64_t rows_a_word = 8;
/// Which nibble of a word has row i of the eight.
constexpr int place[rows_a_word] = {0, 4, 1, 5, 2, 6, 3, 7};

uint8_t nibble(uint32_t word, uint64_t row) { return static_cast<uint8_t>(word >> (bits * place[row % rows_a_word]) & 15); }

/// Words of eight rows' codes of a column, for eight columns, as words of eight columns' codes of a row; `stride` is how
/// far words of the next row are.
void turn_words(const uint32_t (&columns)[8], uint32_t *out, uint64_t stride) {
    for (uint64_t row = 0; row < rows_a_word; row++) {
        uint32_t word = 0;
        for (uint64_t c = 0; c < 8; c++) word |= (columns[c] >> (bits * place[row]) & 15) << (bits * c);
        out[row * stride] = word;
    }
}

struct AwqMatrix final : GroupedMatrix {
    std::span<const std::byte> qweight, qzeros;
    FloatPiece scales;

    void codes(uint64_t first, uint64_t count, uint8_t *out) const override {
        const uint64_t row_words = rows / rows_a_word;
        // A column's words of these rows are neighbours.
        for (uint64_t c = 0; c < cols; c++)
            for (uint64_t r = 0; r < count; r++)
                out[r * cols + c] = nibble(load_word(qweight, c * row_words + (first + r) / rows_a_word), first + r);
    }

    bool has_dense_codes(uint64_t first, uint64_t count) const override { return first % rows_a_word == 0 && count % rows_a_word == 0 && cols % 8 == 0; }
    void dense_codes(uint64_t first, uint64_t count, uint32_t *out) const override {
        const uint64_t of_column = rows / rows_a_word, words = row_words();
        for (uint64_t w = 0; w < words; w++)
            for (uint64_t r = 0; r < count; r += rows_a_word) {
                uint32_t columns[8];
                for (uint64_t c = 0; c < 8; c++) columns[c] = load_word(qweight, (w * 8 + c) * of_column + (first + r) / rows_a_word);
                turn_words(columns, out + r * words + w, words);
            }
    }

    void numbers(uint64_t first, uint64_t count, float *d, float *second) const override {
        const uint64_t row_words = rows / rows_a_word;
        for (uint64_t r = first; r < first + count; r++)
            for (uint64_t g = 0; g < groups(); g++) {
                *d++ = scales.at(g * rows + r);
                *second++ = nibble(load_word(qzeros, g * row_words + r / rows_a_word), r);
            }
    }
};

void read_matrix(CheckpointBuilder &b, const std::string &name) {
    const TensorInfo &qweight = b.require(name + ".qweight"), &qzeros = b.require(name + ".qzeros"),
                     &scales = b.require(name + ".scales");
    for (const TensorInfo *piece : {&qweight, &qzeros, &scales})
        if (piece->shape.size() != 2) b.reject(*piece, "{} dimensions, expected 2", piece->shape.size());
    auto m = std::make_unique<AwqMatrix>();
    m->cols = qweight.shape[0], m->rows = scales.shape[1], m->bits = bits;
    m->group = group_size(b, scales, m->cols, scales.shape[0]);
    b.check(qweight, {"I32"}, {m->cols, m->rows / rows_a_word});
    b.check(qzeros, {"I32"}, {m->groups(), m->rows / rows_a_word});
    b.check(scales, {"F16", "BF16", "F32"}, {m->groups(), m->rows});
    if (m->rows % rows_a_word != 0) b.reject(scales, "{} rows, expected a multiple of {}", m->rows, rows_a_word);
    m->qweight = b.data(qweight), m->qzeros = b.data(qzeros), m->scales = FloatPiece(b, scales);
    m->halves = scales.type_name == "F16";
    add_grouped(b, name + ".weight", std::move(m));
}

void require_value(const json::Reader &config, const char *key, const std::string &found, std::string_view expected) {
    if (found != expected)
        fail(QUANT_ERR_UNSUPPORTED, "{}: key \"{}\": {} is not supported; expected {}", config.name(), key,
             printable(found), expected);
}

} // namespace

void read_awq(CheckpointBuilder &builder) {
    const json::Reader &config = builder.config();
    require_value(config, "version", config.get_string("version", "gemm"), "gemm");
    require_value(config, "bits", std::to_string(config.get_uint("bits", bits)), "4");
    for (const std::string &name : builder.names_before(".qweight")) read_matrix(builder, name);
}

} // namespace quant
