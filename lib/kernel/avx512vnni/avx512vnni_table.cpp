// The AVX-512 tier of CPUs with VNNI: what the AVX-512 tier has, and products of bytes.
// Compiled with the tier's own flags, so nothing but its table may be called before CPUID
// was asked.
#include "kernel/avx512/avx512_simd.h"
#include "kernel/avx512vnni/avx512vnni_pairs.h"
#include "kernel/avx512vnni/int8_tile.h"
#include "kernel/avx512vnni/panels.h"

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
#include "machine/cpu_features.h"

#define QUANT_TIER_NAME "avx512vnni"
#define QUANT_TIER_DEF "kernel/avx512vnni/table.def"

namespace quant::kernel::avx512vnni {
using avx512::Simd;

template <quant_encoding, class Block, size_t Group>
constexpr ExpandRow expand = simd::expand_blocks<Simd, Block, Group>;

#include "kernel/fill_table.h"
} // namespace quant::kernel::avx512vnni

namespace quant::kernel {

const KernelTable &avx512vnni_table() {
    static const KernelTable table = [] {
        KernelTable out = avx512vnni::fill_table();
        avx512vnni::put_lanes(out);
        out.encodings[QUANT_Q8_0].two_panels = {9, avx512vnni::two_byte_panels};
        if (cpu_features().avx512_bf16) avx512vnni::put_bf16(out);
        if (cpu_features().avx512_vbmi) avx512vnni::put_lookups(out, cpu_features().slow_gathers);
        return out;
    }();
    return table;
}

} // namespace quant::kernel
