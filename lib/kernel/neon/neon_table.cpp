// The NEON tier: the templates of kernel/simd on this tier's registers.
#include "kernel/neon/neon_pairs.h"

#include "kernel/simd/simd_gemm.h"
#include "kernel/simd/simd_halves.h"
#include "kernel/simd/simd_pairs.h"
#include "kernel/simd/simd_rows.h"
#include "kernel/simd/simd_scores.h"
#include "kernel/simd/simd_vector.h"

#define QUANT_TIER_NAME "neon"
#define QUANT_TIER_DEF "kernel/neon/table.def"

namespace quant::kernel::neon {
#include "kernel/fill_table.h"
} // namespace quant::kernel::neon

namespace quant::kernel {

const KernelTable &neon_table() {
    static const KernelTable table = neon::fill_table();
    return table;
}

} // namespace quant::kernel
