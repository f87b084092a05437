#include "kernel/attention_work.h"

#include <algorithm>
#include <limits>

namespace quant::kernel {

namespace {

constexpr size_t page = KvLayout::positions;
static_assert(page % key_lanes == 0);
/// Rows of a task: decoding and turning a page costs little beside this many rows' products. Products of whole
/// numbers are faster, so that they take more rows where there are more than enough tasks.
constexpr size_t rows_in_floats = 192, most_rows = 768, tasks_of_worker = 4;
constexpr size_t part_positions = 512; ///< Of a task of few tokens.
static_assert(part_positions % page == 0);

size_t tokens_of_task(const AttentionArgs &a, const AttentionSequence &s, size_t workers) {
    size_t rows = rows_in_floats;
    if (runs_in_pairs(a, s)) {
        const size_t share = s.tokens * a.heads / (workers * tasks_of_worker);
        rows = std::clamp(share / most_pair_rows * most_pair_rows, rows_in_floats, most_rows);
    }
    return std::min(s.tokens, std::max<size_t>(1, rows / (a.heads / a.kv_heads)));
}

/// The tasks of one head with a block of tokens.
void cut_positions(const AttentionArgs &a, const AttentionTask &whole, std::vector<AttentionTask> &tasks) {
    const AttentionSequence &s = *whole.sequence;
    AttentionTask task = whole;
    const size_t begin = seen_by(a, s, whole.first_token).begin;
    const size_t end = seen_by(a, s, whole.first_token + whole.tokens - 1).end;
    const bool split = s.tokens <= most_panel_tokens;
    // In whole numbers all of a page counts, so that a row's result does not depend on where its task begins.
    const size_t step = runs_in_pairs(a, s) ? page : key_lanes;
    const size_t first_part = split ? begin / part_positions : 0;
    task.parts = split ? (end + part_positions - 1) / part_positions - first_part : 1;
    for (size_t p = 0; p < task.parts; ++p) {
        task.begin = p == 0 ? begin / step * step : (first_part + p) * part_positions;
        task.end = p + 1 == task.parts ? end : (first_part + p + 1) * part_positions;
        tasks.push_back(task);
    }
}

/// Asks for lines that are read soon: the rows of one head are too short for the CPU to see a stream in them.
void prefetch(const std::byte *from, size_t bytes) {
    for (size_t i = 0; i < bytes; i += 64) __builtin_prefetch(from + i, 0, 2);
}

} // namespace

SeenPositions seen_by(const AttentionArgs &a, const AttentionSequence &s, size_t token) {
    if (a.bidirectional) return {0, s.first_position + s.tokens};
    const size_t end = s.first_position + token + 1;
    return {a.sliding_window && end > a.sliding_window ? end - a.sliding_window : 0, end};
}

bool runs_in_pairs(const AttentionArgs &a, const AttentionSequence &s) {
    return a.whole_numbers && a.logit_softcap == 0 && s.tokens > most_panel_tokens;
}

std::vector<AttentionTask> cut_attention(const AttentionArgs &a, size_t workers) {
    std::vector<AttentionTask> tasks;
    for (const AttentionSequence &s : a.sequences) {
        const size_t tokens = tokens_of_task(a, s, workers);
        for (size_t head = 0; head < a.kv_heads; ++head)
            for (size_t first = 0; first < s.tokens; first += tokens)
                cut_positions(a, {&s, head, first, std::min(tokens, s.tokens - first), 0, 0, 0}, tasks);
    }
    return tasks;
}

HeadPage head_page(const AttentionArgs &a, const AttentionTask &task, size_t at) {
    const size_t within = at % page, row = task.kv_head * page + within;
    const std::byte *base = task.sequence->pages[at / page];
    return {base + a.keys_at + row * a.layout.key_bytes, base + a.values_at + row * a.layout.value_bytes, at,
            std::min(task.end - at, page - within)};
}

float sink_of(const AttentionArgs &a, const AttentionTask &task, size_t row) {
    const size_t group = a.heads / a.kv_heads;
    return a.sinks ? a.sinks[task.kv_head * group + row % group] : -std::numeric_limits<float>::infinity();
}

float *attention_output(const AttentionArgs &a, const AttentionTask &task, size_t row) {
    const size_t group = a.heads / a.kv_heads;
    return a.out + (task.sequence->first_token + task.first_token + row / group) * a.out_stride +
           (task.kv_head * group + row % group) * a.value_width();
}

void PageDecoder::decode_values(const HeadPage &p, const HeadPage &next) const {
    const EncodingTraits &e = *a.layout.values;
    prefetch(next.values, next.count * a.layout.value_bytes);
    table.decode(e)(p.values, floats, p.count * a.value_width() / e.block_weights);
}

void PageDecoder::decode_keys(const HeadPage &p, const HeadPage &next, float *keys) const {
    const EncodingTraits &e = *a.layout.keys;
    prefetch(next.keys, next.count * a.layout.key_bytes);
    // Lanes without a position are decoded too, whatever they hold: no row sees their scores.
    if (a.layout.keys_lie_side_by_side())
        return table.decode(e)(p.keys, keys, p.panels() * key_lanes * a.head_dim / e.block_weights);
    table.decode(e)(p.keys, floats, p.count * a.head_dim / e.block_weights);
    for (size_t i = 0; i < p.count; i += key_lanes)
        table.attention.lay_keys(floats + i * a.head_dim, std::min(key_lanes, p.count - i), a.head_dim,
                                 keys + i * a.head_dim);
}

} // namespace quant::kernel
