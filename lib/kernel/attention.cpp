// Attention in blocks. A task is one key/value head with a block of tokens: the heads
// of its group form the rows, so that each block of keys and values is read once
// for all of them. Scores exist for one block of positions at a time; a running maximum
// and sum for each row make the softmax exact without a second pass (the
// flash-attention idea). Where there are fewer tasks than workers (decoding one
// token), the positions are split too, and the parts are merged by their maxima.
#include "kernel/kernel_table.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace quant::kernel {

namespace {

constexpr size_t block_positions = 64;
constexpr size_t block_rows = 48;
constexpr size_t least_split = 256; ///< Positions below which a part is not worth a task.
constexpr float nothing = -std::numeric_limits<float>::infinity();

/// How the work is cut.
struct Cut {
    size_t group;        ///< Query heads a key/value head.
    size_t token_block;  ///< Tokens a task.
    size_t token_blocks;
    size_t parts;        ///< Parts that the positions are split into.
    size_t part_positions;
};

/// Positions that a token sees.
struct Seen {
    size_t begin, end;
};

Seen seen_by(const AttentionArgs &a, size_t token) {
    const size_t end = a.first_position + token + 1;
    return {a.sliding_window && end > a.sliding_window ? end - a.sliding_window : 0, end};
}

Cut cut_work(const AttentionArgs &a, unsigned workers) {
    Cut cut{};
    cut.group = a.heads / a.kv_heads;
    cut.token_block = std::min(a.tokens, std::max<size_t>(1, block_rows / cut.group));
    cut.token_blocks = (a.tokens + cut.token_block - 1) / cut.token_block;
    const size_t tasks = a.kv_heads * cut.token_blocks, wanted = size_t{2} * workers;
    const size_t begin = seen_by(a, 0).begin, positions = a.first_position + a.tokens - begin;
    cut.parts = tasks >= wanted ? 1 : std::clamp<size_t>(positions / least_split, 1, (wanted + tasks - 1) / tasks);
    const size_t each = (positions + cut.parts - 1) / cut.parts;
    cut.part_positions = (each + block_positions - 1) / block_positions * block_positions;
    return cut;
}

/// The state of a task's rows: unnormalized output, running maximum and sum. Row
/// t * group + h belongs to token t of the block and head h of the group.
struct Rows {
    size_t count;
    float *q, *scores, *out, *maximum, *sum, *keep;
};

size_t scratch_floats(size_t rows, size_t head_dim) {
    return rows * (2 * head_dim + block_positions + 3);
}

Rows place_rows(float *memory, size_t rows, size_t head_dim) {
    Rows r{};
    r.count = rows;
    r.q = memory;
    r.out = r.q + rows * head_dim;
    r.scores = r.out + rows * head_dim;
    r.maximum = r.scores + rows * block_positions;
    r.sum = r.maximum + rows;
    r.keep = r.sum + rows;
    return r;
}

struct Task {
    size_t kv_head, first_token, tokens, begin, end;
};

void load_queries(const AttentionArgs &a, const Cut &cut, const Task &task, Rows &rows) {
    for (size_t t = 0; t < task.tokens; ++t) {
        const float *q = a.q + (task.first_token + t) * a.q_stride + task.kv_head * cut.group * a.head_dim;
        float *to = rows.q + t * cut.group * a.head_dim;
        for (size_t i = 0; i < cut.group * a.head_dim; ++i) to[i] = a.scale * q[i];
    }
    std::fill_n(rows.out, rows.count * a.head_dim, 0.0f);
    std::fill_n(rows.maximum, rows.count, nothing);
    std::fill_n(rows.sum, rows.count, 0.0f);
}

/// Turn one row's scores of positions [begin, begin + n) into weights, 0 where the row
/// does not see, and move its running maximum and sum along.
void weigh_row(const KernelTable &table, Seen seen, size_t begin, size_t n, Rows &rows, size_t row) {
    float *scores = rows.scores + row * block_positions;
    const size_t from = std::clamp(seen.begin, begin, begin + n) - begin;
    const size_t to = std::max(from, std::clamp(seen.end, begin, begin + n) - begin);
    std::fill(scores, scores + from, 0.0f);
    std::fill(scores + to, scores + n, 0.0f);
    rows.keep[row] = 1.0f;
    if (from == to) return;
    const float largest = table.attention.maximum(scores + from, to - from);
    const float now = largest > rows.maximum[row] ? largest : rows.maximum[row];
    if (rows.sum[row] != 0) rows.keep[row] = std::exp(rows.maximum[row] - now);
    rows.maximum[row] = now;
    rows.sum[row] = rows.sum[row] * rows.keep[row] + table.attention.exp_sum(scores + from, now, to - from);
}

void run_task(const KernelTable &table, const AttentionArgs &a, const Cut &cut, const Task &task, Rows &rows) {
    load_queries(a, cut, task, rows);
    const size_t begin = std::max(task.begin, seen_by(a, task.first_token).begin);
    const size_t end = std::min(task.end, seen_by(a, task.first_token + task.tokens - 1).end);
    const size_t offset = task.kv_head * a.head_dim;
    for (size_t at = begin; at < end; at += block_positions) {
        const size_t n = std::min(block_positions, end - at);
        table.gemm({a.keys + at * a.kv_stride + offset, a.kv_stride, n, rows.q, a.head_dim, rows.count, a.head_dim,
                    rows.scores, block_positions, false});
        for (size_t row = 0; row < rows.count; ++row)
            weigh_row(table, seen_by(a, task.first_token + row / cut.group), at, n, rows, row);
        table.attention.weighted_sum(rows.scores, block_positions, a.values + at * a.kv_stride + offset, a.kv_stride,
                                     n, rows.keep, rows.out, rows.count, a.head_dim);
    }
}

float *output_row(const AttentionArgs &a, const Cut &cut, const Task &task, size_t row) {
    return a.out + (task.first_token + row / cut.group) * a.out_stride +
           (task.kv_head * cut.group + row % cut.group) * a.head_dim;
}

Task task_of(const AttentionArgs &a, const Cut &cut, size_t index) {
    const size_t part = index % cut.parts, block = index / cut.parts % cut.token_blocks;
    Task task{};
    task.kv_head = index / cut.parts / cut.token_blocks;
    task.first_token = block * cut.token_block;
    task.tokens = std::min(cut.token_block, a.tokens - task.first_token);
    task.begin = seen_by(a, 0).begin + part * cut.part_positions;
    task.end = task.begin + cut.part_positions;
    return task;
}

/// Results of the parts: for each task its rows' output, maximum and sum.
struct Parts {
    size_t rows, head_dim;
    std::vector<float> memory;
    float *of(size_t task) { return memory.data() + task * rows * (head_dim + 2); }
};

void keep_part(Parts &parts, size_t index, const Rows &rows) {
    float *to = parts.of(index);
    to = std::copy_n(rows.out, rows.count * parts.head_dim, to);
    to = std::copy_n(rows.maximum, rows.count, to);
    std::copy_n(rows.sum, rows.count, to);
}

/// Add the parts of one row, each weighed by exp(its maximum - the largest).
void merge_row(Parts &parts, size_t first, size_t count, size_t rows, size_t row, float *out) {
    const size_t dims = parts.head_dim;
    const auto maximum = [&](size_t p) { return parts.of(first + p)[rows * dims + row]; };
    const auto part_sum = [&](size_t p) { return parts.of(first + p)[rows * (dims + 1) + row]; };
    float largest = nothing;
    for (size_t p = 0; p < count; ++p)
        if (part_sum(p) != 0) largest = std::max(largest, maximum(p));
    float sum = 0;
    std::fill_n(out, dims, 0.0f);
    for (size_t p = 0; p < count; ++p) {
        if (part_sum(p) == 0) continue; // saw nothing
        const float weight = std::exp(maximum(p) - largest);
        const float *from = parts.of(first + p) + row * dims;
        for (size_t d = 0; d < dims; ++d) out[d] += weight * from[d];
        sum += weight * part_sum(p);
    }
    for (size_t d = 0; d < dims; ++d) out[d] /= sum;
}

void merge_parts(const AttentionArgs &a, const Cut &cut, Parts &parts) {
    for (size_t first = 0; first < a.kv_heads * cut.token_blocks * cut.parts; first += cut.parts) {
        const Task task = task_of(a, cut, first);
        const size_t rows = task.tokens * cut.group;
        for (size_t row = 0; row < rows; ++row)
            merge_row(parts, first, cut.parts, rows, row, output_row(a, cut, task, row));
    }
}

void check(const AttentionArgs &a) {
    if (a.kv_heads == 0 || a.heads % a.kv_heads != 0 || a.head_dim == 0)
        fail(QUANT_ERR_ARGUMENT, "attention of {} heads over {} key/value heads of {} is not possible", a.heads,
             a.kv_heads, a.head_dim);
}

} // namespace

void attention(const KernelTable &table, const AttentionArgs &a, WorkerPool &pool) {
    check(a);
    if (a.tokens == 0 || a.heads == 0) return;
    const Cut cut = cut_work(a, pool.size());
    const size_t tasks = a.kv_heads * cut.token_blocks * cut.parts, most_rows = cut.token_block * cut.group;
    Parts parts{most_rows, a.head_dim, {}};
    if (cut.parts > 1) parts.memory.resize(tasks * most_rows * (a.head_dim + 2));

    pool.parallel_for(tasks, 1, [&](size_t from, size_t to, unsigned) {
        float *memory = thread_scratch(scratch_floats(most_rows, a.head_dim));
        for (size_t index = from; index < to; ++index) {
            const Task task = task_of(a, cut, index);
            Rows rows = place_rows(memory, task.tokens * cut.group, a.head_dim);
            run_task(table, a, cut, task, rows);
            if (cut.parts > 1) {
                keep_part(parts, index, rows);
                continue;
            }
            for (size_t row = 0; row < rows.count; ++row) {
                float *out = output_row(a, cut, task, row);
                for (size_t d = 0; d < a.head_dim; ++d) out[d] = rows.out[row * a.head_dim + d] / rows.sum[row];
            }
        }
    });
    if (cut.parts > 1) merge_parts(a, cut, parts);
}

} // namespace quant::kernel

namespace quant {

void attention(const AttentionArgs &args, WorkerPool &pool) {
    kernel::attention(kernel::active_table(), args, pool);
}

} // namespace quant
