// The NEON tier of CPUs with i8mm: what the tier with dotprod has, but for products of bytes.
// Compiled with the tier's own flags, so nothing but its table may be called before the system
// was asked for the CPU's features.
#include "kernel/neon/neon_pairs.h"
#include "kernel/neondotprod/dot_panel.h"
#include "kernel/neoni8mm/pair_tile.h"

#include "kernel/simd/simd_expand.h"
#include "kernel/simd/simd_gemm.h"
#include "kernel/simd/simd_halves.h"
#include "kernel/simd/simd_pairs.h"
#include "kernel/simd/simd_rows.h"
#include "kernel/simd/simd_scores.h"
#include "kernel/simd/simd_vector.h"

#define QUANT_TIER_NAME "neoni8mm"
#define QUANT_TIER_DEF "kernel/neoni8mm/table.def"

namespace quant::kernel::neoni8mm {
using neon::Pairs, neon::Simd;
using neondotprod::panel_product;
#include "kernel/fill_table.h"
} // namespace quant::kernel::neoni8mm

namespace quant::kernel {

const KernelTable &neoni8mm_table() {
    static const KernelTable table = neoni8mm::fill_table();
    return table;
}

} // namespace quant::kernel
