// 64-bit ARM: the kernel says in the auxiliary vector what the CPU has and it lets us use.
#include "machine/cpu_features.h"

#include <fmt/format.h>

#include <sys/auxv.h>

#include <cstdint>

namespace quant {

namespace {

/// CPUs have numbers, no names: who made it and which part it is. The kernel answers for the
/// register where it says so.
std::string part_number(unsigned long capabilities) {
    if ((capabilities & HWCAP_CPUID) == 0) return {};
    uint64_t id = 0;
    __asm__("mrs %0, MIDR_EL1" : "=r"(id));
    return fmt::format("ARM CPU, implementer 0x{:02x}, part 0x{:03x}", id >> 24 & 0xff, id >> 4 & 0xfff);
}

} // namespace

CpuFeatures detect_cpu_features() {
    const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    CpuFeatures out;
    out.brand = part_number(first);
    out.neon = (first & HWCAP_ASIMD) != 0;
    out.neon_dotprod = out.neon && (first & HWCAP_ASIMDDP) != 0;
    out.neon_i8mm = out.neon_dotprod && (second & HWCAP2_I8MM) != 0;
    return out;
}

} // namespace quant
