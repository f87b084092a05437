// Products of many tokens with weights of bfloat16, as they lie in the file: activations are rounded to
// bfloat16 once, then a worker multiplies some rows by a stretch of columns, which stay in its
// second-level cache, with all tokens before it goes on.
#include "kernel/kernel_table.h"

#include "base/error.h"

#include <algorithm>

namespace quant::kernel {

namespace {

/// Rows that a worker takes at a time, and columns: six tokens and four rows of so many fill half of a first-level
/// cache of 48 KiB, all of the rows half of a second-level one of 512 KiB.
constexpr size_t panel_rows = 96, stretch = 1024;

void round_tokens(const KernelTable &table, const float *x, size_t tokens, size_t cols, size_t x_stride, uint16_t *out,
                  WorkerPool &pool) {
    pool.parallel_for(tokens, 8, [&](size_t begin, size_t end, unsigned) {
        for (size_t t = begin; t < end; ++t) table.bf16.round(x + t * x_stride, cols, out + t * cols);
    });
}

} // namespace

bool multiplies_bf16(const KernelTable &table, const PackedMatrix &w) {
    return table.bf16.gemm && w.encoding().id == QUANT_BF16;
}

void matmul_bf16(const KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride,
                 float *y, size_t y_stride, Bf16Scratch &scratch, WorkerPool &pool) {
    if (!w) fail(QUANT_ERR_ARGUMENT, "matmul of an empty matrix");
    if (!multiplies_bf16(table, w))
        fail(QUANT_ERR_ARGUMENT, "{} is not multiplied as bfloat16 here", w.encoding().name);
    const size_t rows = w.rows(), cols = w.cols();
    if (tokens == 0 || rows == 0 || cols == 0) return matmul(table, w, x, tokens, x_stride, y, y_stride, pool);
    if (scratch.rounded.size() < tokens * cols) scratch.rounded.resize(tokens * cols);
    round_tokens(table, x, tokens, cols, x_stride, scratch.rounded.data(), pool);
    const size_t share = (rows + pool.size() * 4 - 1) / (pool.size() * 4);
    const size_t height = std::min(panel_rows, (share + 3) / 4 * 4);
    pool.parallel_for((rows + height - 1) / height, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; ++p)
            for (size_t row = p * height, at = 0; at < cols; at += stretch)
                table.bf16.gemm({reinterpret_cast<const uint16_t *>(w.row_bytes(row).data()) + at, cols,
                                 std::min(height, rows - row), scratch.rounded.data() + at, cols, tokens,
                                 std::min(stretch, cols - at), y + row, y_stride, at != 0});
    });
}

} // namespace quant::kernel

namespace quant {

bool multiplies_bf16(const PackedMatrix &w) { return kernel::multiplies_bf16(kernel::active_table(), w); }

void matmul_bf16(const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride, float *y, size_t y_stride,
                 Bf16Scratch &scratch, WorkerPool &pool) {
    kernel::matmul_bf16(kernel::active_table(), w, x, tokens, x_stride, y, y_stride, scratch, pool);
}

} // namespace quant
