// A set of code points as sorted ranges: what a character class of a grammar is. Only
// what UTF-8 can say is ever in it, so surrogates are not.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace quant::grammar {

inline constexpr uint32_t last_code_point = 0x10FFFF;

/// Both ends are in.
struct CodePointRange {
    uint32_t first, last;
    bool operator==(const CodePointRange &) const = default;
};

class CodePointSet {
public:
    CodePointSet() = default;
    /// In any order, overlapping or not; first <= last.
    explicit CodePointSet(std::vector<CodePointRange> ranges);
    static CodePointSet all() { return CodePointSet({{0, last_code_point}}); }

    CodePointSet complement() const;
    CodePointSet without(const CodePointSet &other) const;
    CodePointSet with(const CodePointSet &other) const;
    bool has(uint32_t code_point) const;
    bool empty() const { return ranges_.empty(); }
    /// Sorted, with gaps between them.
    std::span<const CodePointRange> ranges() const { return ranges_; }

private:
    std::vector<CodePointRange> ranges_;
};

} // namespace quant::grammar
