// A weight matrix in the layout that this CPU multiplies with.
//
// Layout "file" borrows the container's bytes: nothing is copied. A matrix can have panels
// as well (panel_layout.h), which products of few tokens read instead; who holds a
// PackedMatrix does not see which it is.
#pragma once

#include "encoding/encoding.h"
#include "machine/worker_pool.h"

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace quant {

class PackedMatrix {
public:
    PackedMatrix() = default;
    /// Pack `rows` x `cols` weights as encoded in `bytes`, for the active tier.
    /// `owner` keeps borrowed bytes alive. Throws Error (QUANT_ERR_ARGUMENT) when the
    /// sizes disagree.
    static PackedMatrix pack(const EncodingTraits &encoding, uint64_t rows, uint64_t cols,
                             std::span<const std::byte> bytes, std::shared_ptr<const void> owner);

    /// The same matrix, whose columns are in another order than those of what it is multiplied with: `columns` says
    /// which each is. nullptr: the same order.
    PackedMatrix with_columns(std::shared_ptr<const std::vector<uint32_t>> columns) const;
    const std::vector<uint32_t> *columns() const { return columns_.get(); }

    /// Rows [first, first + count), which must be there; shares the bytes and their owner.
    PackedMatrix slice(uint64_t first, uint64_t count) const;

    uint64_t rows() const { return rows_; }
    uint64_t cols() const { return cols_; }
    const EncodingTraits &encoding() const { return *encoding_; }
    explicit operator bool() const { return encoding_ != nullptr; }
    /// Of all rows, as encoded.
    uint64_t encoded_size() const { return rows_ * row_stride_; }
    /// Bytes that panels of it would take; 0 where the active tier has no use for them.
    uint64_t panel_bytes() const;
    /// Of these, what lies on the node of a group of workers: its share, or where nodes are mirrored all.
    uint64_t panel_bytes(const WorkerLayout &layout, size_t group) const;
    /// The same matrix with panels, written by each group of the pool's workers to its memory (panel_bytes()
    /// of it), which `owner` keeps. `ready` are all of them, made before, which are copied then; or empty.
    PackedMatrix with_panels(std::span<const std::span<std::byte>> memory, std::shared_ptr<const void> owner,
                             WorkerPool &pool, std::span<const std::byte> ready = {}) const;
    /// The same with panels that lie in one place, made before: panel_bytes() of them.
    PackedMatrix with_ready_panels(std::span<const std::byte> panels, std::shared_ptr<const void> owner) const;
    bool has_panels() const { return panels_ != nullptr; }
    /// Bytes of the panels, in their order from byte `offset` on, as many as `out` takes; which must be there.
    void copy_panels(uint64_t offset, std::span<std::byte> out) const;
    /// A panel, for a worker of that group.
    const std::byte *panel(size_t index, size_t group) const;
    std::span<const std::byte> row_bytes(uint64_t row) const {
        return bytes_.subspan(row * row_stride_, row_stride_);
    }
    /// Decode one row to cols() floats (an embedding look-up), columns in the order of who asks.
    void decode_row(uint64_t row, float *out) const;

private:
    const EncodingTraits *encoding_ = nullptr;
    uint64_t rows_ = 0, cols_ = 0, row_stride_ = 0;
    std::span<const std::byte> bytes_;
    std::shared_ptr<const void> owner_;
    std::shared_ptr<const std::vector<uint32_t>> columns_;
    struct Panels;
    std::shared_ptr<const Panels> panels_;
};

} // namespace quant
