// The NEON tier of CPUs with dotprod: what the NEON tier has, products of bytes and panels.
// Compiled with the tier's own flags, so nothing but its table may be called before the system
// was asked for the CPU's features.
#include "kernel/neon/neon_pairs.h"
#include "kernel/neondotprod/dot_panel.h"
#include "kernel/neondotprod/dot_tile.h"

#include "kernel/simd/simd_expand.h"
#include "kernel/simd/simd_gemm.h"
#include "kernel/simd/simd_halves.h"
#include "kernel/simd/simd_pairs.h"
#include "kernel/simd/simd_rows.h"
#include "kernel/simd/simd_scores.h"
#include "kernel/simd/simd_vector.h"

#define QUANT_TIER_NAME "neondotprod"
#define QUANT_TIER_DEF "kernel/neondotprod/table.def"

namespace quant::kernel::neondotprod {
using neon::Pairs, neon::Simd;
#include "kernel/fill_table.h"
} // namespace quant::kernel::neondotprod

namespace quant::kernel {

const KernelTable &neondotprod_table() {
    static const KernelTable table = neondotprod::fill_table();
    return table;
}

} // namespace quant::kernel
