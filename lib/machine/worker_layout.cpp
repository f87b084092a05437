#include "machine/worker_layout.h"

#include <algorithm>

namespace quant {

namespace {

/// floor(count * part / whole), part <= whole, without overflow.
size_t portion(size_t count, size_t part, size_t whole) {
    return count / whole * part + count % whole * part / whole;
}

std::vector<WorkerGroup> group_by_node(const std::vector<Core> &cores, const Topology &topology) {
    std::vector<WorkerGroup> out;
    for (const MemoryNode &node : topology.nodes) {
        WorkerGroup group{0, 0, node.number, {}};
        for (const Core &core : cores)
            if (core.node == node.number) group.cpus.push_back(core.cpu);
        if (!group.cpus.empty()) out.push_back(std::move(group));
    }
    return out;
}

// Each group has a worker, and of the others as its further cores are to all further cores: where
// there is a worker for each core, that gives each group as many workers as it has cores.
void count_workers(std::vector<WorkerGroup> &groups, unsigned workers) {
    if (groups.size() > workers) groups.resize(workers);
    const auto weight = [](const WorkerGroup &g) { return g.cpus.size() - 1; };
    size_t all = 0;
    for (const WorkerGroup &g : groups) all += weight(g);
    const bool even = all == 0;
    if (even) all = groups.size();
    const size_t further = workers - groups.size();
    size_t before = 0;
    unsigned first = 0;
    for (WorkerGroup &g : groups) {
        const size_t after = before + (even ? 1 : weight(g));
        g.first = first;
        g.count = 1 + static_cast<unsigned>(further * after / all - further * before / all);
        first += g.count;
        before = after;
    }
}

} // namespace

size_t WorkerLayout::share_start(size_t count, size_t group) const {
    return group < groups.size() ? portion(count, groups[group].first, workers) : count;
}

std::vector<size_t> WorkerLayout::shares(size_t count) const {
    std::vector<size_t> out(groups.size() + 1);
    for (size_t g = 0; g < out.size(); g++) out[g] = share_start(count, g);
    return out;
}

unsigned WorkerLayout::group_of(unsigned worker) const {
    unsigned g = 0;
    while (g + 1 < groups.size() && worker >= groups[g + 1].first) g++;
    return g;
}

WorkerLayout lay_out_workers(const Topology &topology, const NumaChoice &numa, unsigned workers) {
    std::vector<Core> cores = topology.worth_using();
    if (numa.policy == NumaPolicy::node) {
        // All kinds of its cores, where the ones worth using are elsewhere.
        const auto elsewhere = [&](const Core &c) { return c.node != numa.node; };
        if (std::all_of(cores.begin(), cores.end(), elsewhere)) cores = topology.cores;
        std::erase_if(cores, elsewhere);
    }
    if (cores.empty()) cores = topology.cores;
    WorkerLayout out;
    const auto available = static_cast<unsigned>(cores.size());
    out.workers = std::min(workers != 0 ? workers : std::clamp(topology.quota.value_or(available), 1u, available),
                           most_workers);
    out.numa = numa;
    out.pinned = out.workers == available;
    if (out.bound()) {
        out.groups = group_by_node(cores, topology);
    } else {
        out.groups = {{0, 0, cores[0].node, {}}};
        for (const Core &core : cores) out.groups[0].cpus.push_back(core.cpu);
    }
    count_workers(out.groups, out.workers);
    return out;
}

} // namespace quant
