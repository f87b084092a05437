// What the CPU can do and the operating system lets us use. An instruction set
// counts only when the CPU reports it and the system saves its registers (x86: CPUID and
// XCR0; ARM: the kernel answers for both).
#pragma once

#include <string>

namespace quant {

struct CpuFeatures {
    std::string brand; ///< As the CPU names itself, or "".
    bool avx2 = false; ///< AVX2 with FMA and F16C.
    bool avx512 = false; ///< AVX-512 F, BW, VL and DQ.
    bool avx_vnni = false, avx512_vnni = false, avx512_vbmi = false, avx512_bf16 = false;
    bool slow_gathers = false; ///< More than a cycle for each lane: AMD's.
    bool amx_tile = false, amx_int8 = false, amx_bf16 = false; ///< Tiles still need leave (tile_permission.h).
    bool neon = false, neon_dotprod = false; ///< dotprod: SDOT and UDOT.
    bool neon_i8mm = false; ///< SMMLA and USDOT, besides dotprod.
};

/// Detected at the first call. Threads: any.
const CpuFeatures &cpu_features();

/// The detector of this architecture, chosen by the build.
CpuFeatures detect_cpu_features();

} // namespace quant
