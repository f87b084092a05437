// The AVX2 tier: the templates of kernel/simd on this tier's registers. Compiled with
// the tier's own flags, so nothing but its table may be called before CPUID was asked.
#include "kernel/avx2/avx2_int8.h"
#include "kernel/avx2/avx2_panels.h"
#include "kernel/avx2/avx2_pairs.h"
#include "kernel/avx2/avx2_simd.h"
#include "kernel/avx2/code_range.h"

#include "kernel/simd/simd_expand.h"
#include "kernel/simd/simd_gemm.h"
#include "kernel/simd/simd_halves.h"
#include "kernel/simd/simd_pairs.h"
#include "kernel/simd/simd_rows.h"
#include "kernel/simd/simd_scores.h"
#include "kernel/simd/simd_vector.h"
#include "kernel/x86/x86_grid_blocks.h"
#include "kernel/x86/x86_low_bit_blocks.h"
#include "kernel/x86/x86_scaled_blocks.h"

#define QUANT_TIER_NAME "avx2"
#define QUANT_TIER_DEF "kernel/avx2/table.def"

namespace quant::kernel::avx2 {

template <quant_encoding Encoding, class Block, size_t Group>
constexpr ExpandRow expand = simd::expand_blocks<Simd, Block, Group, added_to(Encoding)>;

#include "kernel/fill_table.h"
} // namespace quant::kernel::avx2

namespace quant::kernel {

const KernelTable &avx2_table() {
    static const KernelTable table = avx2::fill_table();
    return table;
}

} // namespace quant::kernel
