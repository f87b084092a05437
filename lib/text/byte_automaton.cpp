#include "text/byte_automaton.h"

#include "base/error.h"
#include "text/grammar.h"

#include <algorithm>

namespace quant::grammar {

namespace {

/// A form of UTF-8: its lead bytes and the code points that must be written in it, so
/// that nothing is overlong.
struct Form {
    unsigned continuation_bytes;
    uint8_t first_lead, last_lead;
    uint32_t first, last;
};
constexpr Form forms[] = {
    {1, 0xC0, 0xDF, 0x80, 0x7FF},
    {2, 0xE0, 0xEF, 0x800, 0xFFFF},
    {3, 0xF0, 0xF4, 0x10000, last_code_point},
};

void append(std::vector<ByteEdge> &edges, uint8_t byte, uint32_t target) {
    if (!edges.empty() && edges.back().target == target && edges.back().last + 1 == byte)
        edges.back().last = byte;
    else
        edges.push_back({byte, byte, target});
}

/// The ranges that touch [first, last], of which the outer ones may stand out.
std::span<const CodePointRange> touching(std::span<const CodePointRange> ranges, uint32_t first, uint32_t last) {
    const auto begin = std::partition_point(ranges.begin(), ranges.end(), [&](auto r) { return r.last < first; });
    const auto end = std::partition_point(begin, ranges.end(), [&](auto r) { return r.first <= last; });
    return {begin, end};
}

} // namespace

uint32_t ByteAutomaton::node(Edges edges) {
    const auto [at, added] = ids_.try_emplace(std::move(edges), static_cast<uint32_t>(begins_.size() - 1));
    if (!added) return at->second;
    if (edges_.size() + at->first.size() > GrammarLimits::byte_edges)
        fail(QUANT_ERR_LIMIT, "grammar: the character classes need more than {} edges", GrammarLimits::byte_edges);
    edges_.insert(edges_.end(), at->first.begin(), at->first.end());
    begins_.push_back(static_cast<uint32_t>(edges_.size()));
    return at->second;
}

// The node after which `left` continuation bytes say which of the code points from `base`
// on it is; nothing if none of them is in the set.
std::optional<uint32_t> ByteAutomaton::after_lead(Ranges ranges, uint32_t base, unsigned left) {
    if (left == 0) return ranges.empty() ? std::nullopt : std::optional(done);
    if (ranges.empty()) return std::nullopt;
    const uint32_t block = uint32_t{1} << (6 * (left - 1)), last = base + 64 * block - 1;
    const bool whole = ranges.size() == 1 && ranges[0].first <= base && ranges[0].last >= last;
    if (whole && whole_[left]) return whole_[left];
    Edges edges;
    for (uint32_t i = 0; i < 64; ++i) {
        const uint32_t first = base + i * block;
        const auto target = after_lead(touching(ranges, first, first + block - 1), first, left - 1);
        if (target) append(edges, static_cast<uint8_t>(0x80 + i), *target);
    }
    const uint32_t id = node(std::move(edges));
    if (whole) whole_[left] = id;
    return id;
}

uint32_t ByteAutomaton::add(const CodePointSet &set) {
    Edges edges;
    for (const CodePointRange &range : touching(set.ranges(), 0, 0x7F))
        edges.push_back({static_cast<uint8_t>(range.first), static_cast<uint8_t>(std::min(range.last, 0x7Fu)), done});
    for (const Form &form : forms) {
        std::vector<CodePointRange> ranges;
        for (const CodePointRange &range : touching(set.ranges(), form.first, form.last))
            ranges.push_back({std::max(range.first, form.first), std::min(range.last, form.last)});
        const uint32_t block = uint32_t{1} << (6 * form.continuation_bytes);
        for (unsigned lead = form.first_lead; lead <= form.last_lead; ++lead) {
            const uint32_t first = (lead - form.first_lead) * block;
            const auto target = after_lead(touching(ranges, first, first + block - 1), first, form.continuation_bytes);
            if (target) append(edges, static_cast<uint8_t>(lead), *target);
        }
    }
    return node(std::move(edges));
}

uint32_t ByteAutomaton::step(uint32_t node, uint8_t byte) const {
    const auto begin = edges_.begin() + begins_[node], end = edges_.begin() + begins_[node + 1];
    const auto at = std::partition_point(begin, end, [&](const ByteEdge &edge) { return edge.last < byte; });
    return at != end && at->first <= byte ? at->target : dead;
}

} // namespace quant::grammar
