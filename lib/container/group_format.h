// Writers of whole-number codes with two numbers for each group of columns. Private to this room.
#pragma once

#include "container/format_parts.h"
#include "encoding/group_blocks.h"

namespace quant {

/// INTb_Gg, or AFFINEb_Gg, laid out by one dialect.
class GroupFormat : public CheckpointFormat {
public:
    GroupFormat(int bits, uint32_t group, bool bias, bool symmetric)
        : bits_(bits), group_(group), symmetric_(symmetric), encoding_(*find_group_encoding({bits, group, bias})) {}

    const EncodingTraits *encoding(uint64_t rows, uint64_t cols) const override;
    std::string_view float_dtype() const override { return "F16"; }
    Facts facts_of(const EncodedMatrix &matrix) const override;

protected:
    /// Rows [first, first + count) taken apart: codes in the order of the model's columns, and a group's numbers.
    struct Taken {
        std::vector<uint8_t> codes;
        std::vector<float> d, second;
    };
    Taken take(const EncodedMatrix &m, uint64_t first, uint64_t count) const;
    uint64_t groups(uint64_t cols) const { return cols / group_; }
    /// Whether codes lie in blocks as they do in a dense stream of a row, which dense_row() copies; in columns' order.
    bool is_dense(const EncodedMatrix &m) const { return m.columns.empty() && m.cols * static_cast<uint64_t>(bits_) % 32 == 0; }
    void dense_row(const EncodedMatrix &m, uint64_t row, uint32_t *out) const;
    /// The same rows' numbers alone.
    void numbers(const EncodedMatrix &m, uint64_t row, float *d, float *second) const;
    /// Words of a row's codes as a dense stream, whether they are in order or not.
    void pack_row(const EncodedMatrix &m, uint64_t row, uint32_t *out) const;
    /// The group of each column of the model.
    std::vector<int32_t> group_indices(const EncodedMatrix &m) const;
    /// Codes as a dense stream, least significant bits first; `out` has whole words.
    void pack_dense(const uint8_t *codes, uint64_t count, uint32_t *out) const;
    /// The same, of numbers that have no room for more bits.
    std::vector<uint32_t> dense(std::span<const uint8_t> codes) const;
    /// Rows that a row of packed words takes, for which their number must be a multiple; 1: any.
    virtual uint64_t rows_a_word() const { return 1; }

    int bits_;
    uint32_t group_;
    bool symmetric_; ///< What is quantized here has its zero points in the middle.
    const EncodingTraits &encoding_;
};

} // namespace quant
