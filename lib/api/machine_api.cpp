#include <quant/machine.h>

#include "api/guard.h"
#include "base/json.h"
#include "kernel/kernel_table.h"
#include "kernel/machine_limits.h"
#include "machine/cpu_features.h"
#include "machine/huge_buffer.h"
#include "machine/topology.h"

#include <cstdlib>
#include <set>

using namespace quant;
using namespace quant::api;

namespace {

json::array feature_names(const CpuFeatures &cpu) {
    const std::pair<const char *, bool> features[] = {
        {"avx2", cpu.avx2},           {"avx_vnni", cpu.avx_vnni},       {"avx512", cpu.avx512},
        {"avx512_vnni", cpu.avx512_vnni}, {"avx512_bf16", cpu.avx512_bf16}, {"amx_tile", cpu.amx_tile},
        {"amx_int8", cpu.amx_int8},   {"amx_bf16", cpu.amx_bf16}};
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
                                   {"panels", k.panel != nullptr}});
    }
    return out;
}

std::string describe_machine() {
    const kernel::KernelTable &table = kernel::active_table();
    const CpuFeatures &cpu = cpu_features();
    const Topology &topology = machine_topology();
    const MachineLimits limits = measure_machine_limits(default_pool());
    json::array tiers;
    for (const kernel::KernelTable *t : kernel::available_tiers()) tiers.emplace_back(t->tier);
    std::set<unsigned> nodes;
    for (const Core &core : topology.cores) nodes.insert(core.node);
    const char *forced = std::getenv("QUANT_ISA");
    return json::serialize(json::object{
        {"schema_version", 1},
        {"cpu", cpu.brand},
        {"features", feature_names(cpu)},
        {"tiers", std::move(tiers)},
        {"tier", table.tier},
        {"forced", forced != nullptr && *forced != 0},
        {"cores", topology.cores.size()},
        {"cpu_quota", topology.quota ? json::value(*topology.quota) : json::value(nullptr)},
        {"nodes", nodes.size()},
        {"workers", default_pool().size()},
        {"huge_pages", json::object{{"setting", huge_page_setting()}, {"share", limits.huge_page_share}}},
        {"read_bytes_per_second", limits.read_bytes_per_second},
        {"small_page_read_bytes_per_second", limits.small_page_read_bytes_per_second},
        {"byte_products_per_second", limits.byte_products_per_second},
        {"kernels", kernels(table)}});
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
}
