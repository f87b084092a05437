// The list of tiers and the choice among them. A tier that was asked for and is not
// there is an error, never a quiet step down: a fallback nobody sees looks like a
// slow machine.
#include "kernel/kernel_table.h"

#include "base/error.h"
#if defined(__x86_64__)
#include "kernel/amx/amx_state.h"
#endif
#include "machine/cpu_features.h"

#include <cstdlib>
#include <string>
#include <vector>

namespace quant::kernel {

namespace {

struct Tier {
    const KernelTable &(*table)();
    bool (*runs_on)(const CpuFeatures &);
};

constexpr Tier tiers[] = {
    {scalar_table, [](const CpuFeatures &) { return true; }},
#if defined(__x86_64__)
    {avx2_table, [](const CpuFeatures &cpu) { return cpu.avx2; }},
    {avxvnni_table, [](const CpuFeatures &cpu) { return cpu.avx_vnni; }},
    {avx512_table, [](const CpuFeatures &cpu) { return cpu.avx512; }},
    {avx512vnni_table, [](const CpuFeatures &cpu) { return cpu.avx512_vnni; }},
    {amx_table, [](const CpuFeatures &) { return amx_state().usable; }},
#elif defined(__aarch64__)
    {neon_table, [](const CpuFeatures &cpu) { return cpu.neon; }},
    {neondotprod_table, [](const CpuFeatures &cpu) { return cpu.neon_dotprod; }},
    {neoni8mm_table, [](const CpuFeatures &cpu) { return cpu.neon_i8mm; }},
#endif
};

} // namespace

std::span<const KernelTable *const> available_tiers() {
    static const std::vector<const KernelTable *> available = [] {
        std::vector<const KernelTable *> out;
        for (const Tier &tier : tiers)
            if (tier.runs_on(cpu_features())) out.push_back(&tier.table());
        return out;
    }();
    return available;
}

std::string_view amx_words() {
#if defined(__x86_64__)
    return amx_state().words;
#else
    return {};
#endif
}

const KernelTable &find_tier(std::string_view name) {
    std::string names;
    for (const KernelTable *table : available_tiers()) {
        if (name == table->tier) return *table;
        names += names.empty() ? "" : ", ";
        names += table->tier;
    }
    const bool amx = name == "amx" && !amx_words().empty();
    fail(QUANT_ERR_UNSUPPORTED, "QUANT_ISA is \"{}\", which this machine lacks; it has {}{}", printable(name), names,
         amx ? fmt::format("; AMX is {}", amx_words()) : "");
}

bool tier_is_forced() {
    const char *forced = std::getenv("QUANT_ISA");
    return forced && *forced;
}

const KernelTable &active_table() {
    static const KernelTable &table = [&]() -> const KernelTable & {
        return tier_is_forced() ? find_tier(std::getenv("QUANT_ISA")) : *available_tiers().back();
    }();
    return table;
}

} // namespace quant::kernel

namespace quant {

const VectorOps &vector_ops() { return kernel::active_table().vector; }

std::string_view active_tier() { return kernel::active_table().tier; }

} // namespace quant
