// Products of few tokens, bound by reading the weights: each worker streams a stretch of
// panels of its own.
#include "kernel/kernel_table.h"

#include "kernel/panel_layout.h"

#include <algorithm>

namespace quant::kernel {

namespace {

/// Bytes of weights below which waking another worker costs more than it brings.
constexpr size_t least_bytes = 32 * 1024;

} // namespace

void matmul_panels(const KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride,
                   float *y, size_t y_stride, PlaneTokens &scratch, WorkerPool &pool) {
    const PanelLayout &layout = *find_panel_layout(w.encoding().id);
    const size_t cols = w.cols(), bytes = panel_bytes(layout, cols);
    const auto product = table.of(w.encoding()).panel;
    scratch.assign(layout.group, x, tokens, cols, x_stride);
    const size_t panels = (w.rows() + panel_rows - 1) / panel_rows;
    // One stretch for each worker: memory likes few streams.
    const size_t share = std::max((panels + pool.size() - 1) / pool.size(), least_bytes / std::max<size_t>(1, bytes));
    pool.parallel_for(panels, std::max<size_t>(1, share), [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; p++)
            product({w.panels().data() + p * bytes, cols, std::min(panel_rows, w.rows() - p * panel_rows),
                     scratch.planes(), scratch.scales(), scratch.sums(), scratch.stretches(), scratch.groups(), tokens,
                     y + p * panel_rows, y_stride});
    });
}

} // namespace quant::kernel

namespace quant {

void matmul_panels(const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride, float *y, size_t y_stride,
                   PlaneTokens &scratch, WorkerPool &pool) {
    kernel::matmul_panels(kernel::active_table(), w, x, tokens, x_stride, y, y_stride, scratch, pool);
}

} // namespace quant
