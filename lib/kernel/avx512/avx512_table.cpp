// The AVX-512 tier: the templates of kernel/simd on this tier's registers. Compiled with
// the tier's own flags, so nothing but its table may be called before CPUID was asked.
#include "kernel/avx2/avx2_int8.h"
#include "kernel/avx2/avx2_panels.h"
#include "kernel/avx2/code_range.h"
#include "kernel/avx512/avx512_pairs.h"
#include "kernel/avx512/avx512_simd.h"

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

#define QUANT_TIER_NAME "avx512"
#define QUANT_TIER_DEF "kernel/avx512/table.def"

namespace quant::kernel::avx512 {
// Without VNNI longer registers bring little where bytes are multiplied, and floats, which would be about as
// fast, are other numbers than all other tiers have.
using avx2::expand_panel_of, avx2::int8_gemm, avx2::int8_peak, avx2::interleave, avx2::panel_of;

template <quant_encoding Encoding, class Block, size_t Group>
constexpr ExpandRow expand = simd::expand_blocks<Simd, Block, Group, avx2::added_to(Encoding)>;

#include "kernel/fill_table.h"
} // namespace quant::kernel::avx512

namespace quant::kernel {

const KernelTable &avx512_table() {
    static const KernelTable table = avx512::fill_table();
    return table;
}

} // namespace quant::kernel
