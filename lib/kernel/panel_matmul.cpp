// Products of few tokens, bound by reading the weights: workers take stretches of panels, of
// all matrices that share an input as if they were one. Where workers have memory of their own,
// a group's part of the loop is its share of the first matrix, of the second and so on: the
// shares that PackedMatrix::with_panels() placed on its node.
#include "kernel/kernel_table.h"

#include "base/error.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"

#include <algorithm>
#include <array>

namespace quant::kernel {

namespace {

/// Bytes of weights below which waking another worker costs more than it brings.
constexpr size_t least_bytes = 128 * 1024;

using Segment = PlaneScratch::Segment;

/// What the loop goes over, and where groups' parts of it begin.
void cut_loop(std::span<const MatrixProduct> tasks, const WorkerLayout &workers, PlaneScratch &scratch) {
    scratch.segments.clear();
    scratch.starts.assign(1, 0);
    size_t first = 0;
    for (size_t g = 0; g < workers.groups.size(); g++) {
        for (size_t i = 0; i < tasks.size(); i++) {
            const size_t count = panel_count(tasks[i].w->rows());
            const size_t begin = workers.share_start(count, g), end = workers.share_start(count, g + 1);
            if (begin == end) continue;
            scratch.segments.push_back({first, i, begin});
            first += end - begin;
        }
        scratch.starts.push_back(first);
    }
}

} // namespace

void matmul_panels(const KernelTable &table, std::span<const MatrixProduct> tasks, const float *x, size_t tokens,
                   size_t x_stride, PlaneScratch &scratch, WorkerPool &pool) {
    struct Part {
        const PlaneTokens *x;
        void (*product)(const PanelProduct &), (*of_two)(const PanelProduct &);
        size_t bytes; ///< Of a panel.
    };
    std::array<Part, most_products> parts;
    if (tasks.empty() || tasks.size() > parts.size())
        fail(QUANT_ERR_ARGUMENT, "{} products at a time: expected 1 to {}", tasks.size(), parts.size());
    const size_t cols = tasks[0].w->cols();
    bool wanted[2] = {}, in_quads[2] = {};
    size_t largest = 1;
    for (size_t i = 0; i < tasks.size(); i++) {
        const EncodingTraits &e = tasks[i].w->encoding();
        const PanelShape shape = panel_shape(e.id);
        const size_t which = shape.sums_group == 16 ? 0 : 1;
        const auto of_two = tokens >= least_two_panel_tokens ? table.of(e).two_panels : nullptr;
        wanted[which] = true, in_quads[which] |= of_two != nullptr;
        parts[i] = {&scratch.by_group[which], table.of(e).panel, of_two, shape.bytes(cols)};
        largest = std::max(largest, parts[i].bytes);
    }
    for (const size_t which : {0, 1})
        if (wanted[which])
            scratch.by_group[which].assign(which == 0 ? 16 : 32, x, tokens, cols, x_stride, in_quads[which]);
    cut_loop(tasks, pool.layout(), scratch);
    const std::vector<Segment> &segments = scratch.segments;
    // Even: panels are taken in twos.
    const size_t grain =
        in_quads[0] || in_quads[1] ? (least_bytes / largest + 2) / 2 * 2 : std::max<size_t>(1, least_bytes / largest);
    pool.parallel_for_shares(scratch.starts, grain, [&](size_t begin, size_t end, unsigned worker) {
        const unsigned group = pool.layout().group_of(worker);
        size_t s = segments.size() - 1;
        while (segments[s].first > begin) s--;
        for (size_t p = begin; p < end; p++) {
            while (s + 1 < segments.size() && p == segments[s + 1].first) s++;
            const MatrixProduct &task = tasks[segments[s].task];
            const Part &part = parts[segments[s].task];
            const size_t panel = segments[s].panel + (p - segments[s].first), row = panel * panel_rows;
            const size_t left = (s + 1 < segments.size() ? segments[s + 1].first : scratch.starts.back()) - p;
            PanelProduct product{task.w->panel(panel, group),
                                 cols,
                                 std::min<size_t>(panel_rows, task.w->rows() - row),
                                 part.x->planes(),
                                 part.x->plane_stride(),
                                 part.x->scales(),
                                 part.x->sums(),
                                 part.x->stretches(),
                                 part.x->groups(),
                                 tokens,
                                 task.y + row,
                                 task.y_stride};
            if (!part.of_two || left < 2 || p + 1 == end) {
                part.product(product);
                continue;
            }
            product.second = task.w->panel(panel + 1, group);
            product.rows = std::min<size_t>(2 * panel_rows, task.w->rows() - row);
            product.quads = part.x->quads();
            product.ahead_bytes = std::min<size_t>(2, left - 2) * part.bytes;
            if (product.ahead_bytes != 0) product.ahead = task.w->panel(panel + 2, group);
            part.of_two(product);
            p++;
        }
    });
}

} // namespace quant::kernel

namespace quant {

void matmul_panels(std::span<const MatrixProduct> tasks, const float *x, size_t tokens, size_t x_stride,
                   PlaneScratch &scratch, WorkerPool &pool) {
    kernel::matmul_panels(kernel::active_table(), tasks, x, tokens, x_stride, scratch, pool);
}

} // namespace quant
