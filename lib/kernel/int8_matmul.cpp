// Products of many tokens on bytes: a worker expands a panel of rows by a stretch of
// columns to bytes once, in the order that the CPU's instruction wants, and multiplies it
// with all tokens before it expands the next. Sums of all tokens lie together until the panel
// is done: in the output, tokens are often a power of two apart, so that they would share
// a few lines of the caches. Where a matrix has panels for products of few tokens, these are what is
// expanded: they have the bytes in that order already, and the file's pages need not stay in memory.
#include "kernel/kernel_table.h"

#include "base/error.h"
#include "kernel/activations.h"

#include <algorithm>
#include <array>

namespace quant::kernel {

namespace {

/// Rows of a panel: two registers of them.
constexpr size_t panel_rows = 2 * int8_lanes;
/// Columns expanded at a time, a multiple of every block: 24 KiB of codes for a panel,
/// which with their scales and some tokens stay in a first-level cache.
constexpr size_t stretch = 768;
constexpr size_t most_groups = stretch / 16;

/// What a worker expands into.
struct Panel {
    alignas(64) uint8_t rows[int8_lanes * stretch]; ///< 16 rows, one after the other.
    alignas(64) uint8_t codes[panel_rows * stretch];
    alignas(64) float scales[panel_rows * most_groups], offsets[panel_rows * most_groups];
    float row_scales[most_groups], row_offsets[most_groups];
    bool has_offsets;
};

/// A matrix as a worker sees it.
struct Weights {
    const KernelTable &table;
    const PackedMatrix &w;
    size_t worker_group;
};

// Columns from `at` on, `n` of them, of up to 16 rows as the file has them: into lanes.
void expand_rows(const Weights &weights, size_t first, size_t rows, size_t at, size_t n, uint8_t *codes, float *scales,
                 float *offsets, Panel &panel) {
    const auto &[table, w, worker_group] = weights;
    const EncodingTraits &e = w.encoding();
    const EncodingKernels &kernels = table.of(e);
    const size_t groups = n / kernels.expand_group;
    // Rows that are not there hold what earlier ones left: they are not written out, but
    // their scales must be numbers.
    for (size_t r = 0; r < int8_lanes; r++) {
        if (r < rows)
            kernels.expand(w.row_bytes(first + r).data() + at / e.block_weights * e.block_bytes, n / e.block_weights,
                           panel.rows + r * stretch, panel.row_scales, panel.row_offsets);
        for (size_t g = 0; g < groups; g++) {
            scales[g * int8_lanes + r] = r < rows ? panel.row_scales[g] : 0;
            offsets[g * int8_lanes + r] = r < rows ? panel.row_offsets[g] : 0;
            panel.has_offsets |= r < rows && panel.row_offsets[g] != 0;
        }
    }
    table.int8.interleave(panel.rows, stretch, n, codes);
}

// The same, from panels where there are some.
void expand_lanes(const Weights &weights, size_t first, size_t rows, size_t at, size_t n, size_t lane_panel,
                  Panel &panel) {
    const EncodingKernels &kernels = weights.table.of(weights.w.encoding());
    const size_t float_at = lane_panel * (n / kernels.expand_group) * int8_lanes;
    uint8_t *codes = panel.codes + lane_panel * int8_lanes * n;
    float *scales = panel.scales + float_at, *offsets = panel.offsets + float_at;
    if (kernels.expand_panel && weights.w.has_panels()) {
        const std::byte *from = weights.w.panel(first / int8_lanes, weights.worker_group);
        panel.has_offsets |= kernels.expand_panel(from, at, n, codes, scales, offsets);
    } else {
        expand_rows(weights, first, rows, at, n, codes, scales, offsets, panel);
    }
}

void multiply_panel(const Weights &weights, size_t first, const Int8Tokens &x, float *y, size_t y_stride) {
    const auto &[table, w, worker_group] = weights;
    static_assert(sizeof(Panel) % 64 == 0);
    float *memory = thread_scratch(sizeof(Panel) / sizeof(float) + x.tokens() * panel_rows);
    auto &panel = *reinterpret_cast<Panel *>(memory);
    float *sums = memory + sizeof(Panel) / sizeof(float);
    const size_t rows = std::min<size_t>(panel_rows, w.rows() - first), panels = (rows + int8_lanes - 1) / int8_lanes;
    const size_t group = table.of(w.encoding()).expand_group;
    for (size_t at = 0; at < x.cols(); at += stretch) {
        const size_t n = std::min(stretch, x.cols() - at), tokens = x.tile().tokens;
        const size_t group_at = at / group * tokens;
        panel.has_offsets = false;
        for (size_t p = 0; p < panels; p++)
            expand_lanes(weights, first + p * int8_lanes, std::min(int8_lanes, rows - p * int8_lanes), at, n, p, panel);
        // What is complete goes out while the next tokens are multiplied: the lines are in no cache, and
        // were they all asked for in the end, nothing else would be done meanwhile.
        const bool last = at + n == x.cols();
        const size_t together = last ? 2 * tokens : x.tokens();
        for (size_t t = 0; t < x.tokens(); t += together) {
            const size_t count = std::min(together, x.tokens() - t);
            for (size_t i = t; last && i < t + count; i++)
                for (size_t r = 0; r < rows; r += int8_lanes) __builtin_prefetch(y + i * y_stride + first + r, 1);
            table.int8.gemm({panel.codes, panel.scales, panel.has_offsets ? panel.offsets : nullptr, panels, rows, n,
                             group, activation_block(w.encoding()), x.codes() + t * x.cols() + at * tokens,
                             x.scales() + t * x.groups() + group_at, x.corrections() + t * x.groups() + group_at,
                             x.sums() + t * x.groups() + group_at, x.cols(), x.groups(), count, sums + t * panel_rows,
                             panel_rows, at != 0, w.encoding().id});
            for (size_t i = t; last && i < t + count; i++)
                std::copy_n(sums + i * panel_rows, rows, y + first + i * y_stride);
        }
    }
}

bool multiplies_bytes(const KernelTable &table, const PackedMatrix &w, size_t tokens) {
    // Expanding is interleaved by 64 columns.
    return tokens > 1 && table.int8.gemm && table.of(w.encoding()).expand && w.cols() % 64 == 0 &&
           w.cols() % activation_block(w.encoding()) == 0;
}

/// Where the panels of a product are in the loop over those of all, and what they are multiplied with.
struct Part {
    const MatrixProduct *product;
    const Int8Tokens *x;
    size_t first;
};

/// x as products with these weights take it: rounded once for all that take it alike.
const Int8Tokens &tokens_for(const KernelTable &table, std::span<const Part> before, const EncodingTraits &e,
                             const float *x, size_t tokens, size_t cols, size_t x_stride, Int8Scratch &scratch,
                             WorkerPool &pool) {
    const size_t group = table.of(e).expand_group;
    for (const Part &p : before) {
        const EncodingTraits &other = p.product->w->encoding();
        if (activation_block(other) == activation_block(e) && table.of(other).expand_group == group) return *p.x;
    }
    Int8Tokens &out = scratch.tokens[before.size()];
    out.assign(e, group, table.int8.tile, x, tokens, cols, x_stride, pool);
    return out;
}

void multiply_rounded(const KernelTable &table, const MatrixProduct &product, const float *x, size_t tokens,
                      size_t x_stride, Int8Scratch &scratch, WorkerPool &pool) {
    const EncodingTraits &e = product.w->encoding();
    const size_t cols = product.w->cols();
    scratch.rounded.resize(std::max(scratch.rounded.size(), tokens * cols));
    for (size_t t = 0; x_stride != cols && t < tokens; t++)
        round_activations(e, x + t * x_stride, 1, cols, scratch.rounded.data() + t * cols, pool);
    if (x_stride == cols) round_activations(e, x, tokens, cols, scratch.rounded.data(), pool);
    matmul(table, *product.w, scratch.rounded.data(), tokens, cols, product.y, product.y_stride, pool);
}

} // namespace

void matmul_int8(const KernelTable &table, std::span<const MatrixProduct> products, const float *x, size_t tokens,
                 size_t x_stride, Int8Scratch &scratch, WorkerPool &pool) {
    std::array<Part, most_products> parts;
    if (products.size() > parts.size())
        fail(QUANT_ERR_ARGUMENT, "{} products at a time: expected at most {}", products.size(), parts.size());
    size_t count = 0, panels = 0;
    for (const MatrixProduct &product : products) {
        const PackedMatrix &w = *product.w;
        if (!w) fail(QUANT_ERR_ARGUMENT, "matmul of an empty matrix");
        if (tokens == 0 || w.rows() == 0) continue;
        if (!multiplies_bytes(table, w, tokens) || w.cols() == 0) {
            multiply_rounded(table, product, x, tokens, x_stride, scratch, pool);
            continue;
        }
        const Int8Tokens &rounded = tokens_for(table, std::span(parts).first(count), w.encoding(), x, tokens, w.cols(),
                                               x_stride, scratch, pool);
        parts[count++] = {&product, &rounded, panels};
        panels += (w.rows() + panel_rows - 1) / panel_rows;
    }
    pool.parallel_for(panels, 1, [&](size_t begin, size_t end, unsigned worker) {
        for (size_t p = begin; p < end; p++) {
            size_t i = count - 1;
            while (parts[i].first > p) i--;
            const auto &[product, rounded, first] = parts[i];
            const Weights weights{table, *product->w, pool.layout().group_of(worker)};
            multiply_panel(weights, (p - first) * panel_rows, *rounded, product->y, product->y_stride);
        }
    });
}

} // namespace quant::kernel

namespace quant {

void matmul_int8(std::span<const MatrixProduct> products, const float *x, size_t tokens, size_t x_stride,
                 Int8Scratch &scratch, WorkerPool &pool) {
    kernel::matmul_int8(kernel::active_table(), products, x, tokens, x_stride, scratch, pool);
}

} // namespace quant
