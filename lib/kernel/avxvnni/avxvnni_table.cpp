// The AVX2 tier of CPUs with AVX-VNNI: what the AVX2 tier has, with their way to multiply bytes. Compiled
// with the tier's own flags, so nothing but its table may be called before CPUID was asked.
#include "kernel/avx2/avx2_simd.h"
#include "kernel/avxvnni/avxvnni_int8.h"
#include "kernel/avxvnni/avxvnni_panels.h"
#include "kernel/avxvnni/avxvnni_pairs.h"

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

#define QUANT_TIER_NAME "avxvnni"
#define QUANT_TIER_DEF "kernel/avxvnni/table.def"

namespace quant::kernel::avxvnni {
using avx2::Simd;

template <quant_encoding, class Block, size_t Group>
constexpr ExpandRow expand = simd::expand_blocks<Simd, Block, Group>;

#include "kernel/fill_table.h"
} // namespace quant::kernel::avxvnni

namespace quant::kernel {

const KernelTable &avxvnni_table() {
    static const KernelTable table = avxvnni::fill_table();
    return table;
}

} // namespace quant::kernel
