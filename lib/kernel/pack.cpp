// Layout "file": a matrix is the container's own bytes, checked for size once here,
// so that no kernel has to check again.
#include "kernel/pack.h"

#include "base/error.h"
#include "kernel/kernel_table.h"

namespace quant {

PackedMatrix PackedMatrix::pack(const EncodingTraits &encoding, uint64_t rows, uint64_t cols,
                                std::span<const std::byte> bytes, std::shared_ptr<const void> owner) {
    const uint64_t needed = encoded_bytes(encoding, rows, cols);
    if (bytes.size() != needed)
        fail(QUANT_ERR_ARGUMENT, "a matrix of {} x {} weights in {} takes {} bytes, not {}", rows, cols,
             encoding.name, needed, bytes.size());
    PackedMatrix out;
    out.encoding_ = &encoding;
    out.rows_ = rows;
    out.cols_ = cols;
    out.row_stride_ = rows ? needed / rows : 0;
    out.bytes_ = bytes;
    out.owner_ = std::move(owner);
    return out;
}

PackedMatrix PackedMatrix::slice(uint64_t first, uint64_t count) const {
    if (first > rows_ || count > rows_ - first)
        fail(QUANT_ERR_ARGUMENT, "rows {} to {} of a matrix of {}", first, first + count, rows_);
    PackedMatrix out = *this;
    out.rows_ = count;
    out.bytes_ = bytes_.subspan(first * row_stride_, count * row_stride_);
    return out;
}

void PackedMatrix::decode_row(uint64_t row, float *out) const {
    const auto decode = kernel::active_table().decode(*encoding_);
    decode(row_bytes(row).data(), out, static_cast<size_t>(cols_ / encoding_->block_weights));
}

} // namespace quant
