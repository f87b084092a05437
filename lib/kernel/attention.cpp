// Attention in blocks. A task is one key/value head with a block of tokens: the heads
// of its group form the rows, so that each page of keys and values is decoded once
// for all of them. Scores exist for one page of positions at a time; a running maximum
// and sum for each row make the softmax exact without a second pass (FlashAttention:
// Dao et al. 2022; Milakov and Gimelshein 2018). For few tokens (decoding) positions are split
// too, so that there is work for all, and the parts are merged by their maxima. Where the cuts
// are depends on nothing but the position: a token's result is the same bit for bit, whatever
// tokens it is run with and by however many workers.
#include "kernel/kernel_table.h"

#include "base/error.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

namespace quant::kernel {

namespace {

constexpr size_t page = KvLayout::positions;
static_assert(page % key_lanes == 0);
/// Rows of a task: decoding and turning a page costs little beside this many rows' products.
constexpr size_t most_rows = 192;
/// Rows up to which keys and values in F16 are read where they are: of more, decoding them once costs less.
constexpr size_t few_rows = 16;
/// Rows whose scores exist at a time, which stay in a first-level cache with the page's keys.
constexpr size_t score_rows = 48;
constexpr size_t part_positions = 512; ///< Of a task of few tokens.
static_assert(part_positions % page == 0);
constexpr float nothing = -std::numeric_limits<float>::infinity();

struct Task {
    const AttentionSequence *sequence;
    size_t kv_head, first_token, tokens; ///< Tokens counted from the sequence's first.
    size_t begin, end; ///< Positions; it begins with a panel of keys, which may be before what is seen.
    size_t parts;      ///< That the task's positions are split into; this is one of them.
};

/// Positions that a token sees.
struct Seen {
    size_t begin, end;
};

Seen seen_by(const AttentionArgs &a, const AttentionSequence &s, size_t token) {
    if (a.bidirectional) return {0, s.first_position + s.tokens};
    const size_t end = s.first_position + token + 1;
    return {a.sliding_window && end > a.sliding_window ? end - a.sliding_window : 0, end};
}

size_t tokens_of_task(const AttentionArgs &a, const AttentionSequence &s) {
    return std::min(s.tokens, std::max<size_t>(1, most_rows / (a.heads / a.kv_heads)));
}

std::vector<Task> cut_work(const AttentionArgs &a) {
    std::vector<Task> tasks;
    for (const AttentionSequence &s : a.sequences)
        for (size_t head = 0; head < a.kv_heads; ++head)
            for (size_t first = 0; first < s.tokens; first += tokens_of_task(a, s)) {
                const size_t tokens = std::min(tokens_of_task(a, s), s.tokens - first);
                const size_t begin = seen_by(a, s, first).begin, end = seen_by(a, s, first + tokens - 1).end;
                const bool split = s.tokens <= most_panel_tokens;
                const size_t first_part = split ? begin / part_positions : 0;
                const size_t parts = split ? (end + part_positions - 1) / part_positions - first_part : 1;
                for (size_t p = 0; p < parts; ++p)
                    tasks.push_back({&s, head, first, tokens,
                                     p == 0 ? begin / key_lanes * key_lanes : (first_part + p) * part_positions,
                                     p + 1 == parts ? end : (first_part + p + 1) * part_positions, parts});
            }
    return tasks;
}

/// The state of a task's rows: unnormalized output, running maximum and sum. Row
/// t * group + h belongs to token t of the task and head h of the group.
struct Rows {
    size_t count;
    float *q, *out, *maximum, *sum;
};

/// What is there of one page at a time.
struct PageScratch {
    float *decoded, *keys, *scores, *keep;
};

size_t scratch_floats(size_t rows, size_t head_dim) {
    return rows * (2 * head_dim + 2) + 2 * page * head_dim + score_rows * (page + 1);
}

void place(float *memory, size_t head_dim, Rows &r, PageScratch &s) {
    s.decoded = memory; // What is read in whole registers comes first, where alignment is known.
    s.keys = s.decoded + page * head_dim;
    s.scores = s.keys + page * head_dim;
    s.keep = s.scores + score_rows * page;
    r.q = s.keep + score_rows;
    r.out = r.q + r.count * head_dim;
    r.maximum = r.out + r.count * head_dim;
    r.sum = r.maximum + r.count;
}

void load_queries(const AttentionArgs &a, const Task &task, Rows &rows) {
    const size_t width = a.heads / a.kv_heads * a.head_dim;
    for (size_t t = 0; t < task.tokens; ++t) {
        const float *q = a.q + (task.sequence->first_token + task.first_token + t) * a.q_stride + task.kv_head * width;
        for (size_t i = 0; i < width; ++i) rows.q[t * width + i] = a.scale * q[i];
    }
    std::fill_n(rows.out, rows.count * a.head_dim, 0.0f);
    std::fill_n(rows.maximum, rows.count, nothing);
    std::fill_n(rows.sum, rows.count, 0.0f);
}

/// Turn one row's scores of positions [begin, begin + n) into weights, 0 where the row
/// does not see, and move its running maximum and sum along.
void weigh_row(const KernelTable &table, Seen seen, size_t begin, size_t n, float *scores, float &keep, float &maximum,
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

/// What a task reads at a time: its head's keys and values of positions of one page, which begin with a panel.
struct HeadPage {
    const std::byte *keys, *values;
    size_t at, count; ///< Positions.
    size_t panels() const { return (count + key_lanes - 1) / key_lanes; }
};

HeadPage head_page(const AttentionArgs &a, const Task &task, size_t at) {
    const size_t within = at % page, row = task.kv_head * page + within;
    const std::byte *base = task.sequence->pages[at / page];
    return {base + a.keys_at + row * a.layout.key_bytes, base + a.values_at + row * a.layout.value_bytes, at,
            std::min(task.end - at, page - within)};
}

/// Asks for lines that are read soon: the rows of one head are too short for the CPU to see a stream in them.
void prefetch(const std::byte *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i, 0, 2);
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
                         a.head_dim % key_lanes != 0) {}

    void decode(const HeadPage &p, const HeadPage &next) const {
        if (decodes_keys) decode_keys(p, next);
        if (!decodes_values) return;
        prefetch(next.values, next.count * a.layout.value_bytes);
        decode_floats(*a.layout.values, p.values, p.count, scratch.decoded);
    }

    void score(const HeadPage &p, const HeadPage &next, const float *q, size_t rows) const {
        if (decodes_keys)
            return table.attention.scores(q, rows, a.head_dim, scratch.keys, p.panels(), scratch.scores, page);
        table.attention.half_scores({q, rows, a.head_dim, p.keys, p.panels(), scratch.scores, page, next.keys});
    }

    void add_values(const HeadPage &p, const HeadPage &next, float *out, size_t rows) const {
        if (decodes_values)
            return table.attention.weighted_sum(scratch.scores, page, scratch.decoded, a.head_dim, p.count,
                                                scratch.keep, out, rows, a.head_dim);
        table.attention.half_weighted_sum(
            {scratch.scores, page, p.values, p.count, scratch.keep, out, rows, a.head_dim, next.values});
    }

private:
    void decode_floats(const EncodingTraits &e, const std::byte *rows, size_t count, float *out) const {
        table.decode(e)(rows, out, count * a.head_dim / e.block_weights);
    }

    void decode_keys(const HeadPage &p, const HeadPage &next) const {
        prefetch(next.keys, next.count * a.layout.key_bytes);
        // Lanes without a position are decoded too, whatever they hold: no row sees their scores.
        if (a.layout.keys_lie_side_by_side())
            return decode_floats(*a.layout.keys, p.keys, p.panels() * key_lanes, scratch.keys);
        decode_floats(*a.layout.keys, p.keys, p.count, scratch.decoded);
        for (size_t i = 0; i < p.count; i += key_lanes)
            table.attention.lay_keys(scratch.decoded + i * a.head_dim, std::min(key_lanes, p.count - i), a.head_dim,
                                     scratch.keys + i * a.head_dim);
    }
};

/// One page, for all rows of the task that see any of it.
void run_page(const PageReader &reader, const Task &task, const HeadPage &p, const HeadPage &next, Rows &rows) {
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
        for (size_t row = 0; row < count; ++row)
            weigh_row(reader.table, seen(row), p.at, p.count, scratch.scores + row * page, scratch.keep[row],
                      rows.maximum[first + row], rows.sum[first + row]);
        reader.add_values(p, next, rows.out + first * a.head_dim, count);
    }
}

/// `after` is what is read next by whoever does tasks one after the other, if anything is.
void run_task(const PageReader &reader, const Task &task, const Task *after, Rows &rows) {
    load_queries(reader.a, task, rows);
    HeadPage p = head_page(reader.a, task, task.begin);
    for (;;) {
        const size_t end = p.at + p.count;
        const HeadPage next = end < task.end ? head_page(reader.a, task, end)
                              : after        ? head_page(reader.a, *after, after->begin)
                                             : p;
        run_page(reader, task, p, next, rows);
        if (end == task.end) return;
        p = next;
    }
}

float *output_row(const AttentionArgs &a, const Task &task, size_t row) {
    const size_t group = a.heads / a.kv_heads;
    return a.out + (task.sequence->first_token + task.first_token + row / group) * a.out_stride +
           (task.kv_head * group + row % group) * a.head_dim;
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

void merge_parts(const AttentionArgs &a, std::span<const Task> tasks, Parts &parts) {
    for (size_t first = 0; first < tasks.size(); first += tasks[first].parts) {
        const Task &task = tasks[first];
        const size_t rows = task.tokens * (a.heads / a.kv_heads);
        if (task.parts > 1)
            for (size_t row = 0; row < rows; ++row)
                merge_row(parts, first, task.parts, rows, row, output_row(a, task, row));
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
    const std::vector<Task> tasks = cut_work(a);
    size_t rows_of_task = 0;
    bool split = false;
    for (const Task &t : tasks)
        rows_of_task = std::max(rows_of_task, t.tokens * (a.heads / a.kv_heads)), split |= t.parts > 1;
    Parts parts{rows_of_task, a.head_dim, {}};
    if (split) parts.memory.resize(tasks.size() * rows_of_task * (a.head_dim + 2));

    pool.parallel_for(tasks.size(), 1, [&](size_t from, size_t to, unsigned) {
        float *memory = thread_scratch(scratch_floats(rows_of_task, a.head_dim));
        for (size_t index = from; index < to; ++index) {
            const Task &task = tasks[index];
            Rows rows{};
            rows.count = task.tokens * (a.heads / a.kv_heads);
            PageScratch scratch{};
            place(memory, a.head_dim, rows, scratch);
            run_task({table, a, rows.count, scratch}, task, index + 1 < tasks.size() ? &task + 1 : nullptr, rows);
            if (task.parts > 1) {
                keep_part(parts, index, rows);
                continue;
            }
            for (size_t row = 0; row < rows.count; ++row) {
                float *out = output_row(a, task, row);
                for (size_t d = 0; d < a.head_dim; ++d) out[d] = rows.out[row * a.head_dim + d] / rows.sum[row];
            }
        }
    });
    if (split) merge_parts(a, tasks, parts);
}

} // namespace quant::kernel

namespace quant {

void attention(const AttentionArgs &args, WorkerPool &pool) { kernel::attention(kernel::active_table(), args, pool); }

} // namespace quant
