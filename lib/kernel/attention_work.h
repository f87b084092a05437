// What attention is cut into, and how a task's keys and values come out of their pages.
#pragma once

#include "kernel/kernel_table.h"

#include <vector>

namespace quant::kernel {

/// One key/value head with a block of tokens: the heads of its group form the rows, row t * group + h of them
/// for token t of the task and head h of the group.
struct AttentionTask {
    const AttentionSequence *sequence;
    size_t kv_head, first_token, tokens; ///< Tokens counted from the sequence's first.
    size_t begin, end; ///< Positions; it begins with a panel of keys, which may be before what is seen.
    size_t parts;      ///< That the task's positions are split into; this is one of them.
};

/// Positions that a token sees.
struct SeenPositions {
    size_t begin, end;
};
SeenPositions seen_by(const AttentionArgs &a, const AttentionSequence &s, size_t token);

/// Whether a task runs in whole numbers (pair_attention.h): of many tokens, where the caller allows it.
bool runs_in_pairs(const AttentionArgs &a, const AttentionSequence &s);

/// For few tokens positions are split, so that there is work for all. Where these cuts are depends on nothing
/// but the position; how many tokens are in a task changes no token's result.
std::vector<AttentionTask> cut_attention(const AttentionArgs &a, size_t workers);

/// What a task reads at a time: its head's keys and values of positions of one page, which begin with a panel.
struct HeadPage {
    const std::byte *keys, *values;
    size_t at, count; ///< Positions.
    size_t panels() const { return (count + key_lanes - 1) / key_lanes; }
};
HeadPage head_page(const AttentionArgs &a, const AttentionTask &task, size_t at);

/// Calls run(page, what is read next) for all of a task's pages. `after` is what is done next by whoever does
/// tasks one after the other, if anything is.
template <class Run>
void for_pages(const AttentionArgs &a, const AttentionTask &task, const AttentionTask *after, const Run &run) {
    HeadPage p = head_page(a, task, task.begin);
    for (;;) {
        const size_t end = p.at + p.count;
        const HeadPage next = end < task.end ? head_page(a, task, end) : after ? head_page(a, *after, after->begin) : p;
        run(p, next);
        if (end == task.end) return;
        p = next;
    }
}

/// The logit that a task's row has beside its scores; -infinity: none.
float sink_of(const AttentionArgs &a, const AttentionTask &task, size_t row);

/// Where a task's row of the result begins.
float *attention_output(const AttentionArgs &a, const AttentionTask &task, size_t row);

/// Makes floats of pages; what is read next is asked for meanwhile.
struct PageDecoder {
    const KernelTable &table;
    const AttentionArgs &a;
    float *floats; ///< A page's keys or values, whichever are wider.

    void decode_values(const HeadPage &p, const HeadPage &next) const; ///< floats: positions x dims.
    /// Panels x dims x key_lanes. Where they are decoded in rows, these pass through `floats`.
    void decode_keys(const HeadPage &p, const HeadPage &next, float *keys) const;
};

} // namespace quant::kernel
