// Keys and values of a page become whole numbers once for all rows of a task. Rows are taken most_pair_rows at
// a time, side by side as lanes of registers; rows that fill up the last lanes are zeros, and nobody reads what
// becomes of them. The softmax is that of attention.cpp, but for its base, which is 2. A row's numbers depend
// on what it sees alone: a page's scales are by position, and what a row does not see weighs nothing.
#include "kernel/pair_attention.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace quant::kernel {

namespace {

constexpr size_t page = KvLayout::positions, page_pairs = page / 2;

/// Rows that are worked on together: what is kept of them, and their queries.
struct PairBlock {
    size_t first, rows; ///< Of the task; rows are a multiple of pair_lanes.
    int32_t *q;         ///< Pairs of dims x rows.
    float *q_scales, *maximum, *sum;
    float *out; ///< padded_dims x rows.
};

/// What there is of a page at a time.
struct PairPage {
    float *floats, *lanes;                ///< Decoded, and keys side by side.
    int32_t *keys, *values;               ///< Panels x pairs of dims x pair_lanes; pairs of positions x padded_dims.
    float *key_scales, *powers, *weights; ///< By position.
    float *scores;                        ///< Positions x rows of a block.
    int32_t *row_weights;                 ///< Pairs of positions x rows of a block.
    float *keep, *part;                   ///< By row of a block.
};

constexpr size_t rounded_up(size_t n, size_t to) { return (n + to - 1) / to * to; }

class PairTask {
public:
    PairTask(const KernelTable &table, const AttentionArgs &a, const AttentionTask &task)
        : table_(table),
          a_(a),
          task_(task),
          group_(a.heads / a.kv_heads),
          rows_(task.tokens * group_),
          pairs_((a.head_dim + 1) / 2),
          padded_dims_(rounded_up(a.value_width(), pair_lanes)),
          limit_(static_cast<float>(pair_limit(a.head_dim))) {
        place();
    }

    void run(const AttentionTask *after) {
        for (size_t first = 0; first < rows_; first += most_pair_rows) load_block(block(first));
        for_pages(a_, task_, after, [&](const HeadPage &p, const HeadPage &next) {
            quantize(p, next);
            for (size_t first = 0; first < rows_; first += most_pair_rows) run_block(p, block(first));
        });
        for (size_t first = 0; first < rows_; first += most_pair_rows) write_block(block(first));
    }

private:
    /// Memory in pieces that begin with a line of cache.
    static size_t piece(size_t count) { return rounded_up(count, 16); }

    /// Of a page's keys or values.
    size_t page_floats() const { return page * std::max(a_.head_dim, a_.value_width()); }
    size_t page_words() const {
        return piece(page_floats()) + piece(page * a_.head_dim) + page * pairs_ + page_pairs * padded_dims_ + 3 * page +
               (page + page_pairs + 2) * most_pair_rows;
    }
    size_t row_words() const { return pairs_ + 3 + padded_dims_; }

    void place() {
        float *at = thread_scratch(page_words() + rounded_up(rows_, pair_lanes) * row_words());
        const auto floats = [&at](size_t count) { return std::exchange(at, at + piece(count)); };
        const auto words = [&](size_t count) { return reinterpret_cast<int32_t *>(floats(count)); };
        page_.floats = floats(page_floats()), page_.lanes = floats(page * a_.head_dim);
        page_.keys = words(page * pairs_), page_.values = words(page_pairs * padded_dims_);
        page_.key_scales = floats(page), page_.powers = floats(page), page_.weights = floats(page);
        page_.scores = floats(page * most_pair_rows), page_.row_weights = words(page_pairs * most_pair_rows);
        page_.keep = floats(most_pair_rows), page_.part = floats(most_pair_rows);
        blocks_ = at;
    }

    PairBlock block(size_t first) const {
        PairBlock b{};
        b.first = first, b.rows = std::min(most_pair_rows, rounded_up(rows_ - first, pair_lanes));
        float *at = blocks_ + first * row_words();
        const auto floats = [&](size_t count) { return std::exchange(at, at + count * b.rows); };
        b.q = reinterpret_cast<int32_t *>(floats(pairs_));
        b.q_scales = floats(1), b.maximum = floats(1), b.sum = floats(1), b.out = floats(padded_dims_);
        return b;
    }

    const float *query(size_t row) const {
        const size_t token = task_.sequence->first_token + task_.first_token + row / group_;
        return a_.q + token * a_.q_stride + (task_.kv_head * group_ + row % group_) * a_.head_dim;
    }

    void load_block(const PairBlock &b) {
        const float factor = a_.scale * std::numbers::log2e_v<float>;
        for (size_t r = 0; r < b.rows; r += pair_lanes) {
            const size_t first = b.first + r, count = std::min(pair_lanes, rows_ - std::min(rows_, first));
            for (size_t i = 0; i < count; ++i)
                std::copy_n(query(first + i), a_.head_dim, page_.floats + i * a_.head_dim);
            table_.attention.lay_keys(page_.floats, count, a_.head_dim, page_.lanes);
            table_.pairs.quantize_lanes({page_.lanes, a_.head_dim, limit_, factor, b.q + r, b.rows, b.q_scales + r});
        }
        std::fill_n(b.maximum, b.rows, no_score);
        std::fill_n(b.sum, b.rows, 0.0f);
        std::fill_n(b.out, padded_dims_ * b.rows, 0.0f);
    }

    void quantize(const HeadPage &p, const HeadPage &next) {
        const PageDecoder decoder{table_, a_, page_.floats};
        decoder.decode_keys(p, next, page_.lanes);
        for (size_t panel = 0; panel < p.panels(); ++panel)
            table_.pairs.quantize_lanes({page_.lanes + panel * a_.head_dim * pair_lanes, a_.head_dim, limit_, 1,
                                         page_.keys + panel * pairs_ * pair_lanes, pair_lanes,
                                         page_.key_scales + panel * pair_lanes});
        decoder.decode_values(p, next);
        table_.pairs.quantize_rows({page_.floats, p.count, a_.value_width(), page_.values, padded_dims_,
                                    p.panels() * pair_lanes / 2, page_.powers, page_.weights});
    }

    SeenPositions seen(size_t row) const { return seen_by(a_, *task_.sequence, task_.first_token + row / group_); }

    void run_block(const HeadPage &p, const PairBlock &b) {
        const size_t last = std::min(b.first + b.rows, rows_) - 1;
        // Later rows see more, or as much, and earlier positions: the last one says where the page ends for the block.
        const size_t end = seen(last).end, begin = seen(b.first).begin;
        if (end <= p.at || begin >= p.at + p.count) return;
        const size_t positions = rounded_up(std::min(p.count, end - p.at), pair_lanes);
        table_.pairs.scores(
            {page_.keys, positions, pairs_, page_.key_scales, page_.powers, b.q, b.q_scales, b.rows, page_.scores});
        hide(p, b, positions, last);
        table_.pairs.weigh({page_.scores, positions, b.rows, page_.weights, b.maximum, b.sum, page_.keep, page_.part,
                            page_.row_weights});
        table_.pairs.add_values(
            {page_.values, positions / 2, padded_dims_, page_.row_weights, page_.keep, page_.part, b.rows, b.out});
    }

    /// Of each position the rows that do not see it are the first ones, which come before it, and the last
    /// ones, whose window begins behind it.
    void hide(const HeadPage &p, const PairBlock &b, size_t positions, size_t last) {
        if (seen(b.first).end >= p.at + positions && seen(last).begin <= p.at) return;
        size_t before = 0, within = 0;
        for (size_t j = 0; j < positions; ++j) {
            float *scores = page_.scores + j * b.rows;
            while (b.first + before <= last && seen(b.first + before).end <= p.at + j) ++before;
            while (b.first + within <= last && seen(b.first + within).begin <= p.at + j) ++within;
            std::fill(scores, scores + before, unseen);
            if (b.first + within <= last) std::fill(scores + within, scores + b.rows, unseen);
        }
    }

    void write_block(const PairBlock &b) const {
        for (size_t r = 0; r < b.rows && b.first + r < rows_; ++r) {
            float *out = attention_output(a_, task_, b.first + r);
            const float sink = sink_of(a_, task_, b.first + r) * std::numbers::log2e_v<float> - b.maximum[r];
            const float sum = b.sum[r] + (1 << weight_bits) * std::exp2(sink);
            for (size_t d = 0; d < a_.value_width(); ++d) out[d] = b.out[d * b.rows + r] / sum;
        }
    }

    const KernelTable &table_;
    const AttentionArgs &a_;
    const AttentionTask &task_;
    const size_t group_, rows_, pairs_, padded_dims_;
    const float limit_;
    PairPage page_{};
    float *blocks_ = nullptr;
};

} // namespace

void run_pair_task(const KernelTable &table, const AttentionArgs &a, const AttentionTask &task,
                   const AttentionTask *after) {
    PairTask(table, a, task).run(after);
}

} // namespace quant::kernel
