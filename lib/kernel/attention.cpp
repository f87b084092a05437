// Attention in blocks. A task is one key/value head with a block of tokens: the heads
// of its group form the rows, so that each page of keys and values is decoded once
// for all of them. Scores exist for one page of positions at a time; a running maximum
// and sum for each row make the softmax exact without a second pass (FlashAttention:
// Dao et al. 2022; Milakov and Gimelshein 2018). For few tokens (decoding) positions are split
// too, so that there is work for all, and the parts are merged by their maxima. Where the cuts
// are depends on nothing but the position: a token's result is the same bit for bit, whatever
// tokens it is run with and by however many workers.
#include "kernel/attention_work.h"
#include "kernel/pair_attention.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace quant::kernel {

namespace {

constexpr size_t page = KvLayout::positions;
/// Rows up to which keys and values in F16 are read where they are: of more, decoding them once costs less.
constexpr size_t few_rows = 16;
/// Rows whose scores exist at a time, which stay in a first-level cache with the page's keys.
constexpr size_t score_rows = 48;
constexpr float nothing = -std::numeric_limits<float>::infinity();

/// The state of a task's rows: unnormalized output, running maximum and sum.
struct Rows {
    size_t count;
    float *q, *out, *maximum, *sum;
};

/// What is there of one page at a time.
struct PageScratch {
    float *decoded, *keys, *scores, *keep;
};

/// Of a page's keys or values.
size_t decoded_floats(const AttentionArgs &a) { return page * std::max(a.head_dim, a.value_width()); }

size_t scratch_floats(const AttentionArgs &a, size_t rows) {
    return rows * (a.head_dim + a.value_width() + 2) + decoded_floats(a) + page * a.head_dim + score_rows * (page + 1);
}

void place(float *memory, const AttentionArgs &a, Rows &r, PageScratch &s) {
    s.decoded = memory; // What is read in whole registers comes first, where alignment is known.
    s.keys = s.decoded + decoded_floats(a);
    s.scores = s.keys + page * a.head_dim;
    s.keep = s.scores + score_rows * page;
    r.q = s.keep + score_rows;
    r.out = r.q + r.count * a.head_dim;
    r.maximum = r.out + r.count * a.value_width();
    r.sum = r.maximum + r.count;
}

void load_queries(const AttentionArgs &a, const AttentionTask &task, Rows &rows) {
    const size_t width = a.heads / a.kv_heads * a.head_dim;
    for (size_t t = 0; t < task.tokens; ++t) {
        const float *q = a.q + (task.sequence->first_token + task.first_token + t) * a.q_stride + task.kv_head * width;
        for (size_t i = 0; i < width; ++i) rows.q[t * width + i] = a.scale * q[i];
    }
    std::fill_n(rows.out, rows.count * a.value_width(), 0.0f);
    std::fill_n(rows.maximum, rows.count, nothing);
    std::fill_n(rows.sum, rows.count, 0.0f);
}

/// Turn one row's scores of positions [begin, begin + n) into weights, 0 where the row
/// does not see, and move its running maximum and sum along.
void weigh_row(const KernelTable &table, SeenPositions seen, size_t begin, size_t n, float *scores, float &keep, float &maximum,
               float &sum) {
    const size_t from = std::clamp(seen.begin, begin, begin + n) - begin;
    const size_t to = std::max(from, std::clamp(seen.end, begin, begin + n) - begin);
    std::fill(scores, scores + from, 0.0f);
    std::fill(scores + to, scores + n, 0.0f);
    keep = 1.0f;
    if (from == to) return;
    const float largest = table.attention.maximum(scores + from, to - from);
    const float now = largest > maximum ? largest : maximum;
    // Behind the first pages the maximum rarely moves, and the call is a tenth of a row's work on a page.
    if (sum != 0 && now != maximum) keep = std::exp(maximum - now);
    maximum = now;
    sum = sum * keep + table.attention.exp_sum(scores + from, now, to - from);
}

/// How a task takes pages in: what is not decoded is read where it is.
struct PageReader {
    const KernelTable &table;
    const AttentionArgs &a;
    PageScratch scratch;
    bool decodes_keys, decodes_values;

    PageReader(const KernelTable &t, const AttentionArgs &args, size_t rows, const PageScratch &s)
        : table(t),
          a(args),
          scratch(s),
          decodes_keys(rows > few_rows || a.layout.keys->id != QUANT_F16 || !t.attention.half_scores),
          decodes_values(rows > few_rows || a.layout.values->id != QUANT_F16 || !t.attention.half_weighted_sum ||
                         a.value_width() % key_lanes != 0) {}

    void decode(const HeadPage &p, const HeadPage &next) const {
        const PageDecoder decoder{table, a, scratch.decoded};
        if (decodes_keys) decoder.decode_keys(p, next, scratch.keys);
        if (decodes_values) decoder.decode_values(p, next);
    }

    void score(const HeadPage &p, const HeadPage &next, const float *q, size_t rows) const {
        if (decodes_keys)
            return table.attention.scores(q, rows, a.head_dim, scratch.keys, p.panels(), scratch.scores, page);
        table.attention.half_scores({q, rows, a.head_dim, p.keys, p.panels(), scratch.scores, page, next.keys});
    }

    void add_values(const HeadPage &p, const HeadPage &next, float *out, size_t rows) const {
        if (decodes_values)
            return table.attention.weighted_sum(scratch.scores, page, scratch.decoded, a.value_width(), p.count,
                                                scratch.keep, out, rows, a.value_width());
        table.attention.half_weighted_sum(
            {scratch.scores, page, p.values, p.count, scratch.keep, out, rows, a.value_width(), next.values});
    }
};

/// One page, for all rows of the task that see any of it.
void run_page(const PageReader &reader, const AttentionTask &task, const HeadPage &p, const HeadPage &next, Rows &rows) {
    const AttentionArgs &a = reader.a;
    const PageScratch &scratch = reader.scratch;
    const size_t group = a.heads / a.kv_heads;
    reader.decode(p, next);
    for (size_t first = 0; first < rows.count; first += score_rows) {
        const size_t count = std::min(score_rows, rows.count - first);
        const auto seen = [&](size_t row) {
            return seen_by(a, *task.sequence, task.first_token + (first + row) / group);
        };
        // Later rows see more, or as much: the last one says whether any does.
        if (seen(count - 1).end <= p.at) continue;
        reader.score(p, next, rows.q + first * a.head_dim, count);
        for (size_t row = 0; row < count; ++row) {
            float *scores = scratch.scores + row * page;
            if (a.logit_softcap != 0) reader.table.vector.soft_cap(scores, a.logit_softcap, p.count);
            weigh_row(reader.table, seen(row), p.at, p.count, scores, scratch.keep[row], rows.maximum[first + row],
                      rows.sum[first + row]);
        }
        reader.add_values(p, next, rows.out + first * a.value_width(), count);
    }
}

/// Results of the parts: for each task its rows' output, maximum and sum.
struct Parts {
    size_t rows, dims;
    std::vector<float> memory;
    float *of(size_t task) { return memory.data() + task * rows * (dims + 2); }
};

void keep_part(Parts &parts, size_t index, const Rows &rows) {
    float *to = parts.of(index);
    to = std::copy_n(rows.out, rows.count * parts.dims, to);
    to = std::copy_n(rows.maximum, rows.count, to);
    std::copy_n(rows.sum, rows.count, to);
}

/// What a row's sum of weights is with its sink: infinite, and the row 0, where that is all there is to floats.
float sum_with_sink(float sum, float maximum, float sink) { return sum + std::exp(sink - maximum); }

/// Add the parts of one row, each weighed by exp(its maximum - the largest).
void merge_row(Parts &parts, size_t first, size_t count, size_t rows, size_t row, float sink, float *out) {
    const size_t dims = parts.dims;
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
    sum = sum_with_sink(sum, largest, sink);
    for (size_t d = 0; d < dims; ++d) out[d] /= sum;
}

void merge_parts(const AttentionArgs &a, std::span<const AttentionTask> tasks, Parts &parts) {
    for (size_t first = 0; first < tasks.size(); first += tasks[first].parts) {
        const AttentionTask &task = tasks[first];
        const size_t rows = task.tokens * (a.heads / a.kv_heads);
        if (task.parts > 1)
            for (size_t row = 0; row < rows; ++row)
                merge_row(parts, first, task.parts, rows, row, sink_of(a, task, row), attention_output(a, task, row));
    }
}

void check(const AttentionArgs &a) {
    if (a.kv_heads == 0 || a.heads % a.kv_heads != 0 || a.head_dim == 0)
        fail(QUANT_ERR_ARGUMENT, "attention of {} heads over {} key/value heads of {} is not possible", a.heads,
             a.kv_heads, a.head_dim);
}

/// A task in floats; its rows' results, or what is kept of a part of its positions.
void run_task(const KernelTable &table, const AttentionArgs &a, std::span<const AttentionTask> tasks, size_t index,
              Parts &parts) {
    const AttentionTask &task = tasks[index], *after = index + 1 < tasks.size() ? &task + 1 : nullptr;
    Rows rows{};
    rows.count = task.tokens * (a.heads / a.kv_heads);
    PageScratch scratch{};
    place(thread_scratch(scratch_floats(a, rows.count)), a, rows, scratch);
    load_queries(a, task, rows);
    const PageReader reader{table, a, rows.count, scratch};
    for_pages(a, task, after,
              [&](const HeadPage &p, const HeadPage &next) { run_page(reader, task, p, next, rows); });
    if (task.parts > 1) return keep_part(parts, index, rows);
    for (size_t row = 0; row < rows.count; ++row) {
        float *out = attention_output(a, task, row);
        const float *from = rows.out + row * a.value_width();
        const float sum = sum_with_sink(rows.sum[row], rows.maximum[row], sink_of(a, task, row));
        for (size_t d = 0; d < a.value_width(); ++d) out[d] = from[d] / sum;
    }
}

} // namespace

void attention(const KernelTable &table, const AttentionArgs &a, WorkerPool &pool) {
    check(a);
    const std::vector<AttentionTask> tasks = cut_attention(a, pool.size());
    size_t rows_of_task = 0;
    bool split = false;
    for (const AttentionTask &t : tasks)
        rows_of_task = std::max(rows_of_task, t.tokens * (a.heads / a.kv_heads)), split |= t.parts > 1;
    Parts parts{rows_of_task, a.value_width(), {}};
    if (split) parts.memory.resize(tasks.size() * rows_of_task * (parts.dims + 2));

    pool.parallel_for(tasks.size(), 1, [&](size_t from, size_t to, unsigned) {
        for (size_t index = from; index < to; ++index) {
            if (!runs_in_pairs(a, *tasks[index].sequence)) run_task(table, a, tasks, index, parts);
            else run_pair_task(table, a, tasks[index], index + 1 < tasks.size() ? &tasks[index + 1] : nullptr);
        }
    });
    if (split) merge_parts(a, tasks, parts);
}

} // namespace quant::kernel

namespace quant {

void attention(const AttentionArgs &args, WorkerPool &pool) { kernel::attention(kernel::active_table(), args, pool); }

} // namespace quant
