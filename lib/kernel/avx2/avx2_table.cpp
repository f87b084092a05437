// The AVX2 tier: the templates of kernel/x86 on this tier's registers. Compiled with
// the tier's own flags, so nothing but its table may be called before CPUID was asked.
#include "kernel/avx2/avx2_simd.h"

#include "kernel/x86/x86_gemm.h"
#include "kernel/x86/x86_rows.h"
#include "kernel/x86/x86_scores.h"
#include "kernel/x86/x86_vector.h"

#define QUANT_TIER_NAME "avx2"
#define QUANT_TIER_DEF "kernel/avx2/table.def"

namespace quant::kernel::avx2 {
#include "kernel/fill_table.h"
} // namespace quant::kernel::avx2

namespace quant::kernel {

const KernelTable &avx2_table() {
    static const KernelTable table = avx2::fill_table();
    return table;
}

} // namespace quant::kernel
