#include "text/code_point_set.h"

#include <algorithm>

namespace quant::grammar {

namespace {

constexpr CodePointRange surrogates{0xD800, 0xDFFF};

std::vector<CodePointRange> merged(std::vector<CodePointRange> ranges) {
    std::sort(ranges.begin(), ranges.end(), [](auto a, auto b) { return a.first < b.first; });
    std::vector<CodePointRange> out;
    for (const CodePointRange &range : ranges)
        if (!out.empty() && range.first <= out.back().last + 1)
            out.back().last = std::max(out.back().last, range.last);
        else
            out.push_back(range);
    return out;
}

} // namespace

CodePointSet::CodePointSet(std::vector<CodePointRange> ranges) {
    for (const CodePointRange &range : merged(std::move(ranges))) {
        if (range.first < surrogates.first)
            ranges_.push_back({range.first, std::min(range.last, surrogates.first - 1)});
        if (range.last > surrogates.last)
            ranges_.push_back({std::max(range.first, surrogates.last + 1), std::min(range.last, last_code_point)});
    }
}

CodePointSet CodePointSet::complement() const {
    std::vector<CodePointRange> out;
    uint32_t next = 0;
    for (const CodePointRange &range : ranges_) {
        if (range.first > next) out.push_back({next, range.first - 1});
        next = range.last + 1;
    }
    if (next <= last_code_point) out.push_back({next, last_code_point});
    return CodePointSet(std::move(out));
}

CodePointSet CodePointSet::with(const CodePointSet &other) const {
    std::vector<CodePointRange> out = ranges_;
    out.insert(out.end(), other.ranges_.begin(), other.ranges_.end());
    return CodePointSet(std::move(out));
}

CodePointSet CodePointSet::without(const CodePointSet &other) const { return complement().with(other).complement(); }

bool CodePointSet::has(uint32_t code_point) const {
    const auto at = std::partition_point(ranges_.begin(), ranges_.end(),
                                         [&](const CodePointRange &range) { return range.last < code_point; });
    return at != ranges_.end() && at->first <= code_point;
}

} // namespace quant::grammar
