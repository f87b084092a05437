#include "machine/numa_policy.h"

#include "base/error.h"

#include <algorithm>
#include <charconv>
#include <vector>

namespace quant {

namespace {

constexpr std::string_view node_prefix = "node=";

std::string node_list(const std::vector<MemoryNode> &nodes) {
    std::string out;
    for (const MemoryNode &n : nodes) out += fmt::format("{}node={}", out.empty() ? "" : ", ", n.number);
    return out;
}

NumaChoice parse_node(std::string_view text, const Topology &topology, std::string_view origin) {
    const std::string_view digits = text.substr(node_prefix.size());
    unsigned number = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
    const bool whole = error == std::errc{} && end == digits.data() + digits.size();
    const auto &nodes = topology.nodes;
    if (!whole || std::none_of(nodes.begin(), nodes.end(), [&](const MemoryNode &n) { return n.number == number; }))
        fail(QUANT_ERR_ARGUMENT, "{} is \"{}\"; the cores that may be used have {} memory node{}: {}", origin,
             printable(text), nodes.size(), nodes.size() == 1 ? "" : "s", node_list(nodes));
    return {NumaPolicy::node, number};
}

} // namespace

NumaChoice parse_numa(std::string_view text, const Topology &topology, std::string_view origin) {
    if (text == "auto") return {topology.nodes.size() > 1 ? NumaPolicy::shard : NumaPolicy::off, 0};
    if (text == "off") return {NumaPolicy::off, 0};
    if (text == "shard") return {NumaPolicy::shard, 0};
    if (text == "mirror") return {NumaPolicy::mirror, 0};
    if (text.starts_with(node_prefix)) return parse_node(text, topology, origin);
    fail(QUANT_ERR_ARGUMENT, "{} is \"{}\"; expected auto, shard, mirror, node=N or off", origin, printable(text));
}

std::string numa_words(const NumaChoice &choice) {
    switch (choice.policy) {
    case NumaPolicy::shard:
        return "shard";
    case NumaPolicy::mirror:
        return "mirror";
    case NumaPolicy::node:
        return fmt::format("node={}", choice.node);
    case NumaPolicy::off:
        break;
    }
    return "off";
}

} // namespace quant
