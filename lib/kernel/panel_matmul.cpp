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

/// What a task's panels are multiplied with.
struct Part {
    const PlaneTokens *x;
    const TokenLanes *lanes;                                               ///< Or nullptr.
    void (*of_one)(const PanelProduct &), (*of_two)(const PanelProduct &); ///< The second may be none.
    size_t bytes;                                                          ///< Of a panel.
};
using Parts = std::array<Part, most_products>;

/// Their kernels, and x in each form that these take.
Parts prepare_parts(const KernelTable &table, std::span<const MatrixProduct> tasks, const float *x, size_t tokens,
                    size_t x_stride, PlaneScratch &scratch, WorkerPool &pool) {
    constexpr std::array<size_t, PlaneScratch::kinds> groups = PlaneScratch::groups;
    const size_t cols = tasks[0].w->cols();
    Parts parts{};
    bool wanted[PlaneScratch::kinds] = {}, in_lanes[PlaneScratch::kinds] = {};
    for (size_t i = 0; i < tasks.size(); i++) {
        const EncodingKernels &kernels = table.of(tasks[i].w->encoding());
        const PanelShape shape = panel_shape(tasks[i].w->encoding().id);
        const auto which = static_cast<size_t>(std::find(groups.begin(), groups.end(), shape.sums_group) - groups.begin());
        const bool in_twos = tokens >= kernels.two_panels.tokens && tokens < kernels.lane_tokens;
        const bool takes_lanes = in_twos || tokens >= kernels.lane_tokens;
        wanted[which] = true, in_lanes[which] |= takes_lanes;
        parts[i] = {&scratch.by_group[which], takes_lanes ? &scratch.lanes[which] : nullptr, kernels.panel,
                    in_twos ? kernels.two_panels.product : nullptr, shape.bytes(cols)};
    }
    for (size_t which = 0; which < groups.size(); which++) {
        if (wanted[which]) scratch.by_group[which].assign(groups[which], x, tokens, cols, x_stride, pool);
        if (in_lanes[which]) scratch.lanes[which].assign(scratch.by_group[which], pool);
    }
    return parts;
}

/// Panels that a worker takes at a time: an even number where they are taken in twos.
size_t grain_of(std::span<const Part> parts) {
    size_t largest = 1;
    bool in_twos = false;
    for (const Part &p : parts) largest = std::max(largest, p.bytes), in_twos |= p.of_two != nullptr;
    return in_twos ? (least_bytes / largest + 2) / 2 * 2 : std::max<size_t>(1, least_bytes / largest);
}

/// Multiplies a panel, or two where the part can and `here` >= 2 of them are the worker's; returns how many. `left`
/// panels follow in memory with it.
size_t multiply(const MatrixProduct &task, const Part &part, size_t panel, size_t here, size_t left, size_t group) {
    const PackedMatrix &w = *task.w;
    const PlaneTokens &x = *part.x;
    const size_t row = panel * panel_rows, count = part.of_two && std::min(here, left) >= 2 ? 2 : 1;
    PanelProduct product{w.panel(panel, group),
                         w.cols(),
                         std::min<size_t>(count * panel_rows, w.rows() - row),
                         x.planes(),
                         x.plane_stride(),
                         x.scales(),
                         x.sums(),
                         x.stretches(),
                         x.groups(),
                         x.tokens(),
                         task.y + row,
                         task.y_stride};
    if (part.lanes) {
        product.lanes = part.lanes->bytes(), product.lane_scales = part.lanes->scales();
        product.lane_sums = part.lanes->sums();
    }
    if (count == 1) {
        part.of_one(product);
        return count;
    }
    product.second = w.panel(panel + 1, group);
    product.ahead_bytes = std::min<size_t>(2, left - 2) * part.bytes;
    if (product.ahead_bytes != 0) product.ahead = w.panel(panel + 2, group);
    part.of_two(product);
    return count;
}

} // namespace

void matmul_panels(const KernelTable &table, std::span<const MatrixProduct> tasks, const float *x, size_t tokens,
                   size_t x_stride, PlaneScratch &scratch, WorkerPool &pool) {
    if (tasks.empty() || tasks.size() > most_products)
        fail(QUANT_ERR_ARGUMENT, "{} products at a time: expected 1 to {}", tasks.size(), most_products);
    const Parts parts = prepare_parts(table, tasks, x, tokens, x_stride, scratch, pool);
    cut_loop(tasks, pool.layout(), scratch);
    const std::vector<Segment> &segments = scratch.segments;
    const size_t grain = grain_of(std::span(parts).first(tasks.size()));
    pool.parallel_for_shares(scratch.starts, grain, [&](size_t begin, size_t end, unsigned worker) {
        const unsigned group = pool.layout().group_of(worker);
        size_t s = segments.size() - 1;
        while (segments[s].first > begin) s--;
        for (size_t p = begin; p < end;) {
            while (s + 1 < segments.size() && p == segments[s + 1].first) s++;
            const auto &[first, task, panel] = segments[s];
            const size_t segment_end = s + 1 < segments.size() ? segments[s + 1].first : scratch.starts.back();
            p += multiply(tasks[task], parts[task], panel + (p - first), end - p, segment_end - p, group);
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
