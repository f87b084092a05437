// Cores by hwloc, cut down to the affinity mask. A core counts when at least one of
// its hardware threads is allowed: two threads of a core share the multipliers, so a
// worker for each would only contend. Several nodes may be near to a core (fast and large
// memory): the first that has any counts, which is the ordinary one.
#include "machine/topology.h"

#include "base/error.h"

#include <hwloc.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <memory>
#include <sstream>

namespace quant {

namespace {

struct DestroyTopology {
    void operator()(hwloc_topology_t t) const { hwloc_topology_destroy(t); }
};
struct FreeBitmap {
    void operator()(hwloc_bitmap_t b) const { hwloc_bitmap_free(b); }
};
using TopologyHandle = std::unique_ptr<hwloc_topology, DestroyTopology>;
using Bitmap = std::unique_ptr<hwloc_bitmap_s, FreeBitmap>;

TopologyHandle new_topology() {
    hwloc_topology_t raw = nullptr;
    if (hwloc_topology_init(&raw) != 0) fail(QUANT_ERR_NO_MEMORY, "hwloc cannot start");
    return TopologyHandle(raw);
}

Bitmap new_bitmap() {
    Bitmap set(hwloc_bitmap_alloc());
    if (!set) fail(QUANT_ERR_NO_MEMORY, "no memory for a set of CPUs");
    return set;
}

unsigned near_node(hwloc_topology_t topology, hwloc_const_nodeset_t near) {
    unsigned first = 0;
    bool found = false;
    for (hwloc_obj_t o = nullptr; (o = hwloc_get_next_obj_by_type(topology, HWLOC_OBJ_NUMANODE, o)) != nullptr;) {
        if (!near || !hwloc_bitmap_isset(near, o->os_index)) continue;
        if (o->attr->numanode.local_memory > 0) return o->os_index;
        if (!found) first = o->os_index, found = true;
    }
    return first;
}

// hwloc orders kinds by what it knows of their speed; where it knows nothing, they are all alike.
unsigned kind_of(hwloc_topology_t topology, hwloc_const_cpuset_t cpus) {
    const int kind = hwloc_cpukinds_get_by_cpuset(topology, cpus, 0);
    if (kind < 0) return 0;
    int efficiency = -1;
    const auto index = static_cast<unsigned>(kind);
    if (hwloc_cpukinds_get_info(topology, index, nullptr, &efficiency, nullptr, nullptr, 0) != 0) return 0;
    return static_cast<unsigned>(std::max(efficiency, 0));
}

std::vector<Core> allowed_cores(hwloc_topology_t topology, hwloc_const_bitmap_t allowed) {
    // A virtual machine may show hardware threads without cores: then each is one.
    const bool has_cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0;
    const hwloc_obj_type_t type = has_cores ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    std::vector<Core> cores;
    const Bitmap usable = new_bitmap();
    for (hwloc_obj_t o = nullptr; (o = hwloc_get_next_obj_by_type(topology, type, o)) != nullptr;) {
        hwloc_bitmap_and(usable.get(), o->cpuset, allowed);
        const int cpu = hwloc_bitmap_first(usable.get());
        if (cpu < 0) continue;
        cores.push_back({static_cast<unsigned>(cpu), near_node(topology, o->nodeset), kind_of(topology, o->cpuset)});
    }
    if (cores.empty()) cores.push_back({0, 0});
    return cores;
}

std::vector<MemoryNode> nodes_of(hwloc_topology_t topology, const std::vector<Core> &cores) {
    std::vector<MemoryNode> out;
    for (const Core &core : cores)
        if (std::none_of(out.begin(), out.end(), [&](const MemoryNode &n) { return n.number == core.node; })) {
            const hwloc_obj_t o = hwloc_get_numanode_obj_by_os_index(topology, core.node);
            out.push_back({core.node, o ? o->attr->numanode.local_memory : 0});
        }
    std::sort(out.begin(), out.end(), [](const MemoryNode &a, const MemoryNode &b) { return a.number < b.number; });
    return out;
}

std::string whole_file(const std::filesystem::path &path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

/// Of this machine, loaded once; nullptr where hwloc cannot. Reading it takes no lock.
hwloc_topology_t machine_handle() {
    static const TopologyHandle handle = [] {
        TopologyHandle made = new_topology();
        return hwloc_topology_load(made.get()) == 0 ? std::move(made) : TopologyHandle();
    }();
    return handle.get();
}

Topology read_machine() {
    const hwloc_topology_t topology = machine_handle();
    if (!topology) return {{{0, 0}}, std::nullopt, {{0, 0}}};
    const Bitmap allowed = new_bitmap();
    if (hwloc_get_cpubind(topology, allowed.get(), HWLOC_CPUBIND_PROCESS) != 0)
        hwloc_bitmap_copy(allowed.get(), hwloc_topology_get_allowed_cpuset(topology));
    std::vector<Core> cores = allowed_cores(topology, allowed.get());
    std::vector<MemoryNode> nodes = nodes_of(topology, cores);
    return {std::move(cores), cgroup_cpu_limit(whole_file("/proc/self/cgroup"), "/sys/fs/cgroup"), std::move(nodes)};
}

Bitmap set_of(const std::vector<unsigned> &numbers) {
    Bitmap set = new_bitmap();
    for (const unsigned n : numbers) hwloc_bitmap_set(set.get(), n);
    return set;
}

} // namespace

std::vector<Core> Topology::worth_using() const {
    unsigned least = 0;
    for (const Core &core : cores) least = std::max(least, core.kind);
    const auto fast = [&](const Core &core) { return core.kind >= least; };
    while (least > 0 && static_cast<size_t>(std::count_if(cores.begin(), cores.end(), fast)) * 2 < cores.size()) least--;
    std::vector<Core> out;
    std::copy_if(cores.begin(), cores.end(), std::back_inserter(out), fast);
    return out;
}

unsigned Topology::usable() const {
    const auto count = static_cast<unsigned>(worth_using().size());
    return std::max(1u, quota ? std::min(count, *quota) : count);
}

const Topology &machine_topology() {
    static const Topology topology = read_machine();
    return topology;
}

Topology synthetic_topology(const std::string &description, const std::vector<unsigned> &allowed_cpus,
                            const std::vector<std::vector<unsigned>> &kinds) {
    const TopologyHandle topology = new_topology();
    if (hwloc_topology_set_synthetic(topology.get(), description.c_str()) != 0 ||
        hwloc_topology_load(topology.get()) != 0)
        fail(QUANT_ERR_ARGUMENT, "\"{}\" is no synthetic topology of hwloc", printable(description));
    for (size_t kind = 0; kind < kinds.size(); kind++)
        hwloc_cpukinds_register(topology.get(), set_of(kinds[kind]).get(), static_cast<int>(kind), 0, nullptr, 0);
    const Bitmap allowed = set_of(allowed_cpus);
    if (allowed_cpus.empty()) hwloc_bitmap_fill(allowed.get());
    std::vector<Core> cores = allowed_cores(topology.get(), allowed.get());
    std::vector<MemoryNode> nodes = nodes_of(topology.get(), cores);
    return {std::move(cores), std::nullopt, std::move(nodes)};
}

// Without HWLOC_MEMBIND_STRICT, a node without free memory is passed over: slower is better than killed.
bool bind_memory(std::span<const std::byte> pages, unsigned node) {
    const hwloc_topology_t topology = machine_handle();
    if (!topology || pages.empty()) return false;
    return hwloc_set_area_membind(topology, pages.data(), pages.size(), set_of({node}).get(), HWLOC_MEMBIND_BIND,
                                  HWLOC_MEMBIND_BYNODESET) == 0;
}

std::vector<unsigned> nodes_of_memory(std::span<const std::byte> pages) {
    std::vector<unsigned> out;
    const hwloc_topology_t topology = machine_handle();
    const Bitmap found = new_bitmap();
    if (!topology || pages.empty() ||
        hwloc_get_area_memlocation(topology, pages.data(), pages.size(), found.get(), HWLOC_MEMBIND_BYNODESET) != 0)
        return out;
    for (int n = hwloc_bitmap_first(found.get()); n >= 0; n = hwloc_bitmap_next(found.get(), n))
        out.push_back(static_cast<unsigned>(n));
    return out;
}

} // namespace quant
