// Layout "file": a matrix is the container's own bytes, checked for size once here,
// so that no kernel has to check again.
#include "kernel/pack.h"

#include "base/error.h"
#include "kernel/kernel_table.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"

#include <algorithm>

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
    out.panels_ = {}, out.panels_owner_ = nullptr;
    return out;
}

uint64_t PackedMatrix::panel_bytes() const {
    if (!encoding_ || !kernel::active_table().of(*encoding_).panel) return 0;
    const kernel::PanelShape shape = kernel::panel_shape(encoding_->id);
    if (shape.unit_columns == 0 || cols_ % shape.unit_columns != 0) return 0;
    return (rows_ + kernel::panel_rows - 1) / kernel::panel_rows * shape.bytes(cols_);
}

PackedMatrix PackedMatrix::with_panels(std::span<std::byte> memory, std::shared_ptr<const void> owner,
                                       WorkerPool &pool) const {
    const uint64_t needed = panel_bytes();
    if (needed == 0 || memory.size() != needed)
        fail(QUANT_ERR_ARGUMENT, "panels take {} bytes, not {}", needed, memory.size());
    const size_t bytes = kernel::panel_shape(encoding_->id).bytes(cols_);
    pool.parallel_for(needed / bytes, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; p++) {
            const size_t first = p * kernel::panel_rows, count = std::min<size_t>(kernel::panel_rows, rows_ - first);
            kernel::pack_panel(encoding_->id, row_bytes(first).data(), row_stride_, count, cols_,
                               memory.data() + p * bytes);
        }
    });
    PackedMatrix out = *this;
    out.panels_ = memory;
    out.panels_owner_ = std::move(owner);
    return out;
}

void PackedMatrix::decode_row(uint64_t row, float *out) const {
    const auto decode = kernel::active_table().decode(*encoding_);
    decode(row_bytes(row).data(), out, static_cast<size_t>(cols_ / encoding_->block_weights));
}

} // namespace quant
