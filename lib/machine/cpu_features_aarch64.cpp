// 64-bit ARM: the kernel says in the auxiliary vector what the CPU has and it lets us use.
#include "machine/cpu_features.h"

#include <sys/auxv.h>

namespace quant {

CpuFeatures detect_cpu_features() {
    const unsigned long first = getauxval(AT_HWCAP), second = getauxval(AT_HWCAP2);
    CpuFeatures out;
    out.neon = (first & HWCAP_ASIMD) != 0;
    out.neon_dotprod = out.neon && (first & HWCAP_ASIMDDP) != 0;
    out.neon_i8mm = out.neon_dotprod && (second & HWCAP2_I8MM) != 0;
    return out;
}

} // namespace quant
