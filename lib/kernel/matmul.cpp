// y = x * transpose(w) in two shapes. One token is bound by reading the weights: each
// row is decoded in registers and multiplied at once. More tokens are bound by
// arithmetic: a worker decodes a panel of rows by a stretch of columns into its
// cache and multiplies it with all tokens before it decodes the next. Where an
// encoding has a gemm of its own, few tokens read the weights as they are encoded.
#include "kernel/kernel_table.h"

#include "base/error.h"

#include <algorithm>

namespace quant::kernel {

namespace {

/// Columns decoded at a time: a multiple of every block, and short enough that the
/// micro-kernel's rows and tokens stay in a first-level cache of 32 KiB.
constexpr size_t stretch = 768;
/// Tokens up to which an encoding's own gemm is the faster one.
constexpr size_t most_converted = 64;
/// Bytes of weights below which waking another worker costs more than it brings.
constexpr size_t least_bytes = 32 * 1024;

size_t grain_of(size_t row_bytes, size_t tokens) {
    return std::max<size_t>(1, least_bytes / std::max<size_t>(1, row_bytes * tokens));
}

/// Decode, then multiply: for encodings without a fused kernel. The row at once, so that sums
/// are in the order of a fused kernel's.
float dot_by_decoding(const KernelTable &table, const EncodingTraits &e, const std::byte *row, const float *x,
                      size_t cols) {
    float *decoded = thread_scratch(cols);
    table.decode(e)(row, decoded, cols / e.block_weights);
    return table.vector.dot(decoded, x, cols);
}

void multiply_vector(const KernelTable &table, const PackedMatrix &w, const float *x, float *y, WorkerPool &pool) {
    const EncodingTraits &e = w.encoding();
    const size_t cols = w.cols(), blocks = cols / e.block_weights;
    const DotRow dot = table.of(e).dot;
    pool.parallel_for(w.rows(), grain_of(blocks * e.block_bytes, 1), [&](size_t begin, size_t end, unsigned) {
        for (size_t r = begin; r < end; ++r) {
            const std::byte *row = w.row_bytes(r).data();
            y[r] = dot ? dot(row, x, blocks) : dot_by_decoding(table, e, row, x, cols);
        }
    });
}

struct Tokens {
    const float *x;
    size_t count, x_stride;
    float *y;
    size_t y_stride;
};

/// Of encoded rows, as multiply_panel() of what they decode to.
void multiply_encoded(const KernelTable &table, const PackedMatrix &w, size_t begin, size_t rows,
                      const Tokens &tokens) {
    const EncodingTraits &e = w.encoding();
    const size_t cols = w.cols(), row_bytes = cols / e.block_weights * e.block_bytes;
    for (size_t at = 0; at < cols; at += stretch)
        table.of(e).gemm({nullptr, 0, rows, tokens.x + at, tokens.x_stride, tokens.count, std::min(stretch, cols - at),
                          tokens.y + begin, tokens.y_stride, at != 0},
                         w.row_bytes(begin).data() + at / e.block_weights * e.block_bytes, row_bytes);
}

void multiply_panel(const KernelTable &table, const PackedMatrix &w, size_t begin, size_t rows, const Tokens &tokens) {
    const EncodingTraits &e = w.encoding();
    const DecodeRow decode = table.decode(e);
    const size_t cols = w.cols();
    const auto gemm = table.split_gemm ? table.split_gemm : table.gemm;
    float *panel = thread_scratch(table.gemm_rows * stretch);
    for (size_t at = 0; at < cols; at += stretch) {
        const size_t n = std::min(stretch, cols - at);
        for (size_t r = 0; r < rows; ++r)
            decode(w.row_bytes(begin + r).data() + at / e.block_weights * e.block_bytes, panel + r * stretch,
                   n / e.block_weights);
        gemm({panel, stretch, rows, tokens.x + at, tokens.x_stride, tokens.count, n, tokens.y + begin,
                    tokens.y_stride, at != 0});
    }
}

void multiply_tokens(const KernelTable &table, const PackedMatrix &w, const Tokens &tokens, WorkerPool &pool) {
    const size_t rows = w.rows();
    // Full panels where there are enough for everyone; else smaller ones, in steps that
    // the micro-kernels like.
    const size_t share = (rows + pool.size() * 2 - 1) / (pool.size() * 2);
    const size_t height = std::min(table.gemm_rows, (share + 7) / 8 * 8);
    const size_t panels = (rows + height - 1) / height;
    const size_t row_bytes = w.cols() / w.encoding().block_weights * w.encoding().block_bytes;
    const bool encoded = table.of(w.encoding()).gemm && !table.split_gemm && tokens.count <= most_converted;
    const auto multiply = encoded ? multiply_encoded : multiply_panel;
    pool.parallel_for(panels, grain_of(row_bytes * height, tokens.count), [&](size_t begin, size_t end, unsigned) {
        for (size_t p = begin; p < end; ++p)
            multiply(table, w, p * height, std::min(height, rows - p * height), tokens);
    });
}

} // namespace

void matmul(const KernelTable &table, const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride, float *y,
            size_t y_stride, WorkerPool &pool) {
    if (!w) fail(QUANT_ERR_ARGUMENT, "matmul of an empty matrix");
    if (tokens == 0 || w.rows() == 0) return;
    if (w.cols() == 0) {
        for (size_t t = 0; t < tokens; ++t) std::fill_n(y + t * y_stride, w.rows(), 0.0f);
        return;
    }
    if (tokens == 1) return multiply_vector(table, w, x, y, pool);
    multiply_tokens(table, w, {x, tokens, x_stride, y, y_stride}, pool);
}

} // namespace quant::kernel

namespace quant {

void matmul(const PackedMatrix &w, const float *x, size_t tokens, size_t x_stride, float *y, size_t y_stride,
            WorkerPool &pool) {
    kernel::matmul(kernel::active_table(), w, x, tokens, x_stride, y, y_stride, pool);
}

void gather_columns(const std::vector<uint32_t> &columns, const float *x, size_t tokens, float *y) {
    for (size_t t = 0; t < tokens; t++, x += columns.size())
        for (const uint32_t c : columns) *y++ = x[c];
}

} // namespace quant
