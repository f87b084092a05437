// How workers and weights are spread over the machine's memory nodes.
#pragma once

#include "machine/topology.h"

#include <string>
#include <string_view>

namespace quant {

enum class NumaPolicy {
    off,    ///< As on a machine with one node.
    shard,  ///< Each node holds a part of the rows, and its workers multiply with these.
    mirror, ///< Each node holds all rows.
    node,   ///< Workers and memory of one node alone.
};

struct NumaChoice {
    NumaPolicy policy = NumaPolicy::off;
    unsigned node = 0; ///< The system's number, where the policy is `node`.

    bool operator==(const NumaChoice &) const = default;
};

/// "auto" (shard where there is more than one node, else off), "shard", "mirror", "node=N" or "off".
/// `origin` is what to call the text in messages. Throws Error (QUANT_ERR_ARGUMENT), listing what there is.
NumaChoice parse_numa(std::string_view text, const Topology &topology, std::string_view origin);

/// As parse_numa() takes it.
std::string numa_words(const NumaChoice &choice);

} // namespace quant
