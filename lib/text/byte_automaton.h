// Character classes as automata over the bytes of UTF-8: from a class's first node, the
// bytes of exactly its characters lead to `done`. Equal nodes exist once, so that all
// characters of which the same bytes may follow share the way from there on: that keeps
// the states of a matcher few.
#pragma once

#include "text/code_point_set.h"

#include <array>
#include <map>
#include <optional>
#include <span>
#include <vector>

namespace quant::grammar {

struct ByteEdge {
    uint8_t first, last;
    uint32_t target;
    auto operator<=>(const ByteEdge &) const = default;
};

class ByteAutomaton {
public:
    static constexpr uint32_t done = 0; ///< Target of the last byte of a character.
    static constexpr uint32_t dead = UINT32_MAX;

    ByteAutomaton() : begins_{0, 0} {}

    /// The first node of `set`, which must not be empty. Throws Error (QUANT_ERR_LIMIT).
    uint32_t add(const CodePointSet &set);
    /// Where `byte` leads: a node, done, or dead.
    uint32_t step(uint32_t node, uint8_t byte) const;
    /// All edges of all nodes.
    std::span<const ByteEdge> edges() const { return edges_; }

private:
    using Ranges = std::span<const CodePointRange>;
    using Edges = std::vector<ByteEdge>;

    std::optional<uint32_t> after_lead(Ranges ranges, uint32_t base, unsigned left);
    uint32_t node(Edges edges);

    Edges edges_;                     ///< Of node n from begins_[n] to begins_[n + 1], sorted.
    std::vector<uint32_t> begins_;    ///< Node 0 is `done`, without edges.
    std::map<Edges, uint32_t> ids_;   ///< Nodes by what they are.
    std::array<uint32_t, 4> whole_{}; ///< By the bytes that are left: the node that takes all.
};

} // namespace quant::grammar
