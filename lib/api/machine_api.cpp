#include <quant/machine.h>

#include "api/guard.h"
#include "base/error.h"
#include "base/json.h"
#include "kernel/kernel_table.h"
#include "kernel/machine_limits.h"
#include "machine/cpu_features.h"
#include "machine/huge_buffer.h"
#include "machine/topology.h"
#include "machine/worker_pool.h"
#include "model/pack_cache.h"

#include <algorithm>
#include <cstdlib>

using namespace quant;
using namespace quant::api;

namespace {

json::array feature_names(const CpuFeatures &cpu) {
    const std::pair<const char *, bool> features[] = {
        {"avx2", cpu.avx2},           {"avx_vnni", cpu.avx_vnni},       {"avx512", cpu.avx512},
        {"avx512_vnni", cpu.avx512_vnni}, {"avx512_vbmi", cpu.avx512_vbmi}, {"avx512_bf16", cpu.avx512_bf16},
        {"amx_tile", cpu.amx_tile},
        {"amx_int8", cpu.amx_int8},   {"amx_bf16", cpu.amx_bf16},       {"neon", cpu.neon},
        {"neon_dotprod", cpu.neon_dotprod}, {"neon_i8mm", cpu.neon_i8mm}};
    json::array out;
    for (const auto &[name, has] : features)
        if (has) out.emplace_back(name);
    return out;
}

json::array kernels(const kernel::KernelTable &table) {
    json::array out;
    for (const EncodingTraits &e : encodings()) {
        const kernel::EncodingKernels &k = table.of(e);
        out.push_back(json::object{{"encoding", e.name},
                                   {"decode", k.decode != nullptr},
                                   {"dot", k.dot != nullptr},
                                   {"byte_products", k.expand != nullptr},
                                   {"bf16_products", e.id == QUANT_BF16 && table.bf16.gemm != nullptr},
                                   {"panels", k.panel != nullptr}});
    }
    return out;
}

json::array memory_nodes(const Topology &topology, const WorkerLayout &workers) {
    json::array out;
    for (const MemoryNode &node : topology.nodes) {
        const auto cores = std::count_if(topology.cores.begin(), topology.cores.end(),
                                         [&](const Core &core) { return core.node == node.number; });
        json::value count = nullptr; // Unbound workers are of no node.
        if (workers.bound()) count = 0;
        for (const WorkerGroup &group : workers.groups)
            if (workers.bound() && group.node == node.number) count = group.count;
        out.push_back(json::object{{"node", node.number},
                                   {"bytes", node.bytes ? json::value(node.bytes) : json::value(nullptr)},
                                   {"cores", cores},
                                   {"workers", count}});
    }
    return out;
}

// Null where there is no place for one.
json::value pack_cache() {
    const PackLimit limit = usual_pack_limit();
    try {
        const PackCache cache = PackCache::of_user(limit);
        const PackCache::Use use = cache.use();
        return json::object{{"folder", cache.folder().string()},
                            {"on", limit != 0},
                            {"limit_bytes", cache.limit()},
                            {"bytes", use.bytes},
                            {"packs", use.packs}};
    } catch (const Error &) {
        return nullptr;
    }
}

json::object topology() {
    const kernel::KernelTable &table = kernel::active_table();
    const CpuFeatures &cpu = cpu_features();
    const Topology &topology = machine_topology();
    json::array tiers;
    for (const kernel::KernelTable *t : kernel::available_tiers()) tiers.emplace_back(t->tier);
    const char *forced = std::getenv("QUANT_ISA");
    return {{"schema_version", 1},
            {"cpu", cpu.brand},
            {"features", feature_names(cpu)},
            {"tiers", std::move(tiers)},
            {"tier", table.tier},
            {"forced", forced != nullptr && *forced != 0},
            {"amx", kernel::amx_words().empty() ? json::value(nullptr) : json::value(kernel::amx_words())},
            {"cores", topology.cores.size()},
            {"cpu_quota", topology.quota ? json::value(*topology.quota) : json::value(nullptr)},
            {"nodes", topology.nodes.size()},
            {"numa", numa_words(default_pool().layout().numa)},
            {"memory_nodes", memory_nodes(topology, default_pool().layout())},
            {"workers", default_pool().size()},
            {"huge_pages", json::object{{"setting", huge_page_setting()}}}};
}

std::string describe_machine() {
    json::object out = topology();
    const MachineLimits limits = measure_machine_limits(default_pool());
    out["huge_pages"].as_object()["share"] = limits.huge_page_share;
    out["pack_cache"] = pack_cache();
    out["read_bytes_per_second"] = limits.read_bytes_per_second;
    out["small_page_read_bytes_per_second"] = limits.small_page_read_bytes_per_second;
    out["byte_products_per_second"] = limits.byte_products_per_second;
    out["bf16_products_per_second"] = limits.bf16_products_per_second;
    out["kernels"] = kernels(kernel::active_table());
    return json::serialize(out);
}

} // namespace

extern "C" {

quant_status quant_machine_describe(char **out_json) {
    return guarded([&] {
        require(out_json, "out_json");
        *out_json = nullptr;
        *out_json = new_string(describe_machine());
    });
}

quant_status quant_machine_topology(char **out_json) {
    return guarded([&] {
        require(out_json, "out_json");
        *out_json = nullptr;
        *out_json = new_string(json::serialize(topology()));
    });
}

}
