// Cores by hwloc, cut down to the affinity mask. A core counts when at least one of
// its hardware threads is allowed: two threads of a core share the multipliers, so a
// worker for each would only contend.
#include "machine/topology.h"

#include "base/error.h"

#include <hwloc.h>

#include <algorithm>
#include <fstream>
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

std::vector<Core> allowed_cores(hwloc_topology_t topology, hwloc_const_bitmap_t allowed) {
    // A virtual machine may show hardware threads without cores: then each is one.
    const bool has_cores = hwloc_get_nbobjs_by_type(topology, HWLOC_OBJ_CORE) > 0;
    const hwloc_obj_type_t kind = has_cores ? HWLOC_OBJ_CORE : HWLOC_OBJ_PU;
    std::vector<Core> cores;
    const Bitmap usable(hwloc_bitmap_alloc());
    for (hwloc_obj_t o = nullptr; (o = hwloc_get_next_obj_by_type(topology, kind, o)) != nullptr;) {
        hwloc_bitmap_and(usable.get(), o->cpuset, allowed);
        const int cpu = hwloc_bitmap_first(usable.get());
        if (cpu < 0) continue;
        const int node = o->nodeset ? hwloc_bitmap_first(o->nodeset) : 0;
        cores.push_back({static_cast<unsigned>(cpu), static_cast<unsigned>(std::max(node, 0))});
    }
    if (cores.empty()) cores.push_back({0, 0});
    return cores;
}

std::string whole_file(const std::filesystem::path &path) {
    std::ifstream in(path);
    std::ostringstream text;
    text << in.rdbuf();
    return text.str();
}

Topology read_machine() {
    const TopologyHandle topology = new_topology();
    if (hwloc_topology_load(topology.get()) != 0) return {{{0, 0}}, std::nullopt};
    const Bitmap allowed(hwloc_bitmap_alloc());
    if (hwloc_get_cpubind(topology.get(), allowed.get(), HWLOC_CPUBIND_PROCESS) != 0)
        hwloc_bitmap_copy(allowed.get(), hwloc_topology_get_allowed_cpuset(topology.get()));
    return {allowed_cores(topology.get(), allowed.get()),
            cgroup_cpu_limit(whole_file("/proc/self/cgroup"), "/sys/fs/cgroup")};
}

} // namespace

unsigned Topology::usable() const {
    const auto count = static_cast<unsigned>(cores.size());
    return std::max(1u, quota ? std::min(count, *quota) : count);
}

const Topology &machine_topology() {
    static const Topology topology = read_machine();
    return topology;
}

Topology synthetic_topology(const std::string &description, const std::vector<unsigned> &allowed_cpus) {
    const TopologyHandle topology = new_topology();
    if (hwloc_topology_set_synthetic(topology.get(), description.c_str()) != 0 ||
        hwloc_topology_load(topology.get()) != 0)
        fail(QUANT_ERR_ARGUMENT, "\"{}\" is no synthetic topology of hwloc", printable(description));
    const Bitmap allowed(hwloc_bitmap_alloc());
    if (allowed_cpus.empty()) hwloc_bitmap_fill(allowed.get());
    for (const unsigned cpu : allowed_cpus) hwloc_bitmap_set(allowed.get(), cpu);
    return {allowed_cores(topology.get(), allowed.get()), std::nullopt};
}

} // namespace quant
