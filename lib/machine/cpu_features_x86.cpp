// x86: CPUID leaves 1 and 7, and XCR0 for what the operating system saves when it
// switches threads. Using a register file it does not save would corrupt data.
#include "machine/cpu_features.h"

#include <cpuid.h>

#include <cstdint>
#include <cstring>

namespace quant {

namespace {

struct Leaf {
    unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
};

Leaf cpuid(unsigned leaf, unsigned subleaf = 0) {
    Leaf out;
    if (!__get_cpuid_count(leaf, subleaf, &out.eax, &out.ebx, &out.ecx, &out.edx)) return {};
    return out;
}

constexpr bool bit(uint64_t word, unsigned index) { return (word >> index & 1) != 0; }

uint64_t enabled_state() {
    uint32_t low = 0, high = 0;
    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return uint64_t{high} << 32 | low;
}

bool is_of_amd() {
    const Leaf vendor = cpuid(0); // In this order of registers: "AuthenticAMD".
    char text[12];
    std::memcpy(text, &vendor.ebx, 4), std::memcpy(text + 4, &vendor.edx, 4), std::memcpy(text + 8, &vendor.ecx, 4);
    return std::memcmp(text, "AuthenticAMD", sizeof text) == 0;
}

std::string brand_string() {
    if (cpuid(0x80000000).eax < 0x80000004) return {};
    char text[49] = {};
    for (unsigned i = 0; i < 3; ++i) {
        const Leaf part = cpuid(0x80000002 + i);
        std::memcpy(text + 16 * i, &part, 16);
    }
    const std::string brand(text);
    const size_t first = brand.find_first_not_of(' ');
    if (first == std::string::npos) return {};
    return brand.substr(first, brand.find_last_not_of(' ') - first + 1);
}

} // namespace

CpuFeatures detect_cpu_features() {
    // Bits of XCR0: SSE and AVX registers; the three parts of AVX-512; the two of AMX.
    constexpr uint64_t avx_state = 0x6, avx512_state = avx_state | 0xe0, amx_state = 0x60000;
    CpuFeatures out;
    out.brand = brand_string();
    const Leaf basic = cpuid(1), extended = cpuid(7, 0), more = cpuid(7, 1);
    const uint64_t state = bit(basic.ecx, 27) ? enabled_state() : 0;
    const bool avx_saved = (state & avx_state) == avx_state;
    const bool avx512_saved = (state & avx512_state) == avx512_state;
    const bool amx_saved = (state & amx_state) == amx_state;

    const bool fma = bit(basic.ecx, 12), f16c = bit(basic.ecx, 29), avx = bit(basic.ecx, 28);
    out.avx2 = avx_saved && avx && fma && f16c && bit(extended.ebx, 5);
    out.avx512 = out.avx2 && avx512_saved && bit(extended.ebx, 16) && bit(extended.ebx, 17) &&
                 bit(extended.ebx, 30) && bit(extended.ebx, 31);
    out.avx_vnni = out.avx2 && bit(more.eax, 4);
    out.avx512_vnni = out.avx512 && bit(extended.ecx, 11);
    out.avx512_vbmi = out.avx512 && bit(extended.ecx, 1);
    out.avx512_bf16 = out.avx512 && bit(more.eax, 5);
    out.slow_gathers = is_of_amd();
    out.amx_tile = amx_saved && bit(extended.edx, 24);
    out.amx_bf16 = out.amx_tile && bit(extended.edx, 22);
    out.amx_int8 = out.amx_tile && bit(extended.edx, 25);
    return out;
}

} // namespace quant
