// Layout "file": a matrix is the container's own bytes, checked for size once here,
// so that no kernel has to check again.
#include "kernel/pack.h"

#include "base/error.h"
#include "kernel/kernel_table.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"

#include <algorithm>
#include <cstring>
#include <vector>

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

PackedMatrix PackedMatrix::with_columns(std::shared_ptr<const std::vector<uint32_t>> columns) const {
    if (columns && columns->size() != cols_)
        fail(QUANT_ERR_ARGUMENT, "an order of {} columns for a matrix of {}", columns->size(), cols_);
    PackedMatrix out = *this;
    out.columns_ = std::move(columns);
    return out;
}

PackedMatrix PackedMatrix::slice(uint64_t first, uint64_t count) const {
    if (first > rows_ || count > rows_ - first)
        fail(QUANT_ERR_ARGUMENT, "rows {} to {} of a matrix of {}", first, first + count, rows_);
    PackedMatrix out = *this;
    out.rows_ = count;
    out.bytes_ = bytes_.subspan(first * row_stride_, count * row_stride_);
    out.panels_ = nullptr;
    return out;
}

uint64_t PackedMatrix::panel_bytes() const {
    if (!encoding_ || !kernel::active_table().of(*encoding_).panel) return 0;
    if (!kernel::active_table().panels_pay && !kernel::tier_is_forced()) return 0;
    const kernel::PanelShape shape = kernel::panel_shape(encoding_->id);
    if (shape.unit_columns == 0 || cols_ % shape.unit_columns != 0) return 0;
    return kernel::panel_count(rows_) * shape.bytes(cols_);
}

/// Where panels lie: one place for each group of workers, with its share of them or all.
struct PackedMatrix::Panels {
    struct Place {
        size_t first, end; ///< Panels.
        const std::byte *memory;
    };
    std::vector<Place> places;
    size_t bytes; ///< Of a panel.
    bool mirrored;
    std::shared_ptr<const void> owner;
};

uint64_t PackedMatrix::panel_bytes(const WorkerLayout &layout, size_t group) const {
    const uint64_t all = panel_bytes();
    if (all == 0 || layout.numa.policy == NumaPolicy::mirror) return all;
    const size_t count = kernel::panel_count(rows_);
    const std::vector<size_t> starts = layout.shares(count);
    return all / count * (starts.at(group + 1) - starts[group]);
}

PackedMatrix PackedMatrix::with_panels(std::span<const std::span<std::byte>> memory, std::shared_ptr<const void> owner,
                                       WorkerPool &pool, std::span<const std::byte> ready) const {
    const WorkerLayout &workers = pool.layout();
    if (memory.size() != workers.groups.size())
        fail(QUANT_ERR_ARGUMENT, "panels in {} places, not {}", workers.groups.size(), memory.size());
    for (size_t g = 0; g < memory.size(); g++)
        if (const uint64_t needed = panel_bytes(workers, g); panel_bytes() == 0 || memory[g].size() != needed)
            fail(QUANT_ERR_ARGUMENT, "panels take {} bytes, not {}", needed, memory[g].size());
    if (!ready.empty() && ready.size() != panel_bytes())
        fail(QUANT_ERR_ARGUMENT, "ready panels take {} bytes, not {}", panel_bytes(), ready.size());
    const size_t bytes = kernel::panel_shape(encoding_->id).bytes(cols_), count = kernel::panel_count(rows_);
    const bool mirrored = workers.numa.policy == NumaPolicy::mirror;
    const std::vector<size_t> starts = workers.shares(count);

    const auto panels = std::make_shared<Panels>(Panels{{}, bytes, mirrored, std::move(owner)});
    for (size_t g = 0; g < memory.size(); g++)
        panels->places.push_back({mirrored ? 0 : starts[g], mirrored ? count : starts[g + 1], memory[g].data()});
    const auto write = [&](size_t p, std::byte *out) {
        if (!ready.empty()) {
            std::memcpy(out, ready.data() + p * bytes, bytes);
            return;
        }
        const size_t first = p * kernel::panel_rows, n = std::min<size_t>(kernel::panel_rows, rows_ - first);
        kernel::pack_panel(encoding_->id, row_bytes(first).data(), row_stride_, n, cols_, out);
    };
    // Each group writes what it will read, so that the first touch is its own.
    std::vector<size_t> written(memory.size() + 1);
    for (size_t g = 0; g < memory.size(); g++) written[g + 1] = written[g] + memory[g].size() / bytes;
    pool.parallel_for_shares(written, 1, [&](size_t begin, size_t end, unsigned) {
        size_t g = 0;
        while (begin >= written[g + 1]) g++;
        for (size_t i = begin - written[g]; i < end - written[g]; i++)
            write(panels->places[g].first + i, memory[g].data() + i * bytes);
    });
    PackedMatrix out = *this;
    out.panels_ = panels;
    return out;
}

PackedMatrix PackedMatrix::with_ready_panels(std::span<const std::byte> panels, std::shared_ptr<const void> owner) const {
    if (panels.size() != panel_bytes() || panels.empty())
        fail(QUANT_ERR_ARGUMENT, "panels take {} bytes, not {}", panel_bytes(), panels.size());
    const size_t bytes = kernel::panel_shape(encoding_->id).bytes(cols_), count = kernel::panel_count(rows_);
    PackedMatrix out = *this;
    out.panels_ = std::make_shared<Panels>(Panels{{{0, count, panels.data()}}, bytes, false, std::move(owner)});
    return out;
}

void PackedMatrix::copy_panels(uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const size_t inside = offset % panels_->bytes, n = std::min(out.size(), panels_->bytes - inside);
        std::memcpy(out.data(), panel(offset / panels_->bytes, 0) + inside, n);
        out = out.subspan(n), offset += n;
    }
}

const std::byte *PackedMatrix::panel(size_t index, size_t group) const {
    const std::vector<Panels::Place> &places = panels_->places;
    size_t at = panels_->mirrored ? std::min(group, places.size() - 1) : 0;
    while (index >= places[at].end) at++;
    return places[at].memory + (index - places[at].first) * panels_->bytes;
}

void PackedMatrix::decode_row(uint64_t row, float *out) const {
    const auto decode = kernel::active_table().decode(*encoding_);
    decode(row_bytes(row).data(), out, static_cast<size_t>(cols_ / encoding_->block_weights));
    if (!columns_) return;
    const std::vector<float> stored(out, out + cols_);
    for (size_t c = 0; c < cols_; c++) out[(*columns_)[c]] = stored[c];
}

} // namespace quant
