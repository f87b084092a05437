// Products of few tokens, bound by reading the weights: workers take stretches of panels, of
// all matrices that share an input as if they were one.
#include "kernel/kernel_table.h"

#include "base/error.h"
#include "kernel/panel_shape.h"

#include <algorithm>
#include <array>

namespace quant::kernel {

namespace {

/// Bytes of weights below which waking another worker costs more than it brings.
constexpr size_t least_bytes = 128 * 1024;

} // namespace

void matmul_panels(const KernelTable &table, std::span<const PanelTask> tasks, const float *x, size_t tokens,
                   size_t x_stride, PlaneScratch &scratch, WorkerPool &pool) {
    struct Part {
        const PlaneTokens *x;
        void (*product)(const PanelProduct &);
        size_t first; ///< Its first panel, counted through all tasks.
        size_t bytes; ///< Of a panel.
    };
    std::array<Part, most_panel_tasks> parts;
    if (tasks.empty() || tasks.size() > parts.size())
        fail(QUANT_ERR_ARGUMENT, "{} products at a time: expected 1 to {}", tasks.size(), parts.size());
    const size_t cols = tasks[0].w->cols();
    bool assigned[2] = {};
    size_t panels = 0, largest = 1;
    for (size_t i = 0; i < tasks.size(); i++) {
        const PackedMatrix &w = *tasks[i].w;
        const PanelShape shape = panel_shape(w.encoding().id);
        const size_t which = shape.sums_group == 16 ? 0 : 1;
        PlaneTokens &planes = scratch.by_group[which];
        if (!assigned[which]) planes.assign(shape.sums_group, x, tokens, cols, x_stride), assigned[which] = true;
        parts[i] = {&planes, table.of(w.encoding()).panel, panels, shape.bytes(cols)};
        panels += (w.rows() + panel_rows - 1) / panel_rows;
        largest = std::max(largest, parts[i].bytes);
    }
    pool.parallel_for(panels, std::max<size_t>(1, least_bytes / largest), [&](size_t begin, size_t end, unsigned) {
        size_t i = tasks.size() - 1;
        while (parts[i].first > begin) i--;
        for (size_t p = begin; p < end; p++) {
            while (i + 1 < tasks.size() && p == parts[i + 1].first) i++;
            const Part &part = parts[i];
            const size_t panel = p - part.first, row = panel * panel_rows;
            part.product({tasks[i].w->panels().data() + panel * part.bytes, cols,
                          std::min<size_t>(panel_rows, tasks[i].w->rows() - row), part.x->planes(), part.x->scales(),
                          part.x->sums(), part.x->stretches(), part.x->groups(), tokens, tasks[i].y + row,
                          tasks[i].y_stride});
        }
    });
}

} // namespace quant::kernel

namespace quant {

void matmul_panels(std::span<const PanelTask> tasks, const float *x, size_t tokens, size_t x_stride,
                   PlaneScratch &scratch, WorkerPool &pool) {
    kernel::matmul_panels(kernel::active_table(), tasks, x, tokens, x_stride, scratch, pool);
}

} // namespace quant
