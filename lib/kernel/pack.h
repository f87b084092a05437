// A weight matrix in the layout that this CPU multiplies with.
//
// Layout "file" borrows the container's bytes: nothing is copied. Later tiers add
// interleaved layouts; who holds a PackedMatrix does not see which it is.
#pragma once

#include "encoding/encoding.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>

namespace quant {

class PackedMatrix {
public:
    PackedMatrix() = default;
    /// Pack `rows` x `cols` weights as encoded in `bytes`, for the active tier.
    /// `owner` keeps borrowed bytes alive. Throws Error (QUANT_ERR_ARGUMENT) when the
    /// sizes disagree.
    static PackedMatrix pack(const EncodingTraits &encoding, uint64_t rows, uint64_t cols,
                             std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

    /// Rows [first, first + count), which must be there; shares the bytes and their owner.
    PackedMatrix slice(uint64_t first, uint64_t count) const;

    uint64_t rows() const { return rows_; }
    uint64_t cols() const { return cols_; }
    const EncodingTraits &encoding() const { return *encoding_; }
    explicit operator bool() const { return encoding_ != nullptr; }
    /// Bytes of memory beyond what was borrowed.
    uint64_t own_bytes() const { return 0; }
    std::span<const std::byte> row_bytes(uint64_t row) const {
        return bytes_.subspan(row * row_stride_, row_stride_);
    }
    /// Decode one row to cols() floats (an embedding look-up).
    void decode_row(uint64_t row, float *out) const;

private:
    const EncodingTraits *encoding_ = nullptr;
    uint64_t rows_ = 0, cols_ = 0, row_stride_ = 0;
    std::span<const std::byte> bytes_;
    std::shared_ptr<const void> owner_;
};

} // namespace quant
