// Layout "file": a matrix is the container's own bytes, checked for size once here,
// so that no kernel has to check again.
#include "kernel/pack.h"

#include "base/error.h"
#include "kernel/kernel_table.h"
#include "kernel/panel_pack.h"

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
    const kernel::PanelLayout *layout = encoding_ ? kernel::find_panel_layout(encoding_->id) : nullptr;
    if (!layout || !kernel::active_table().of(*encoding_).panel || cols_ % layout->unit_columns() != 0) return 0;
    return (rows_ + kernel::panel_rows - 1) / kernel::panel_rows * kernel::panel_bytes(*layout, cols_);
}

PackedMatrix PackedMatrix::with_panels(std::span<std::byte> memory, std::shared_ptr<const void> owner,
                                       WorkerPool &pool) const {
    const uint64_t needed = panel_bytes();
    if (needed == 0 || memory.size() != needed)
        fail(QUANT_ERR_ARGUMENT, "panels take {} bytes, not {}", needed, memory.size());
    const kernel::PanelLayout &layout = *kernel::find_panel_layout(encoding_->id);
    const size_t bytes = kernel::panel_bytes(layout, cols_);
    pool.parallel_for(needed / bytes, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; p++) {
            const size_t first = p * kernel::panel_rows, count = std::min<size_t>(kernel::panel_rows, rows_ - first);
            kernel::pack_panel(layout, row_bytes(first).data(), row_stride_, count, cols_, memory.data() + p * bytes);
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
