// The tier of CPUs with AMX. Compiled with the tier's own flags, so nothing but its table may be
// called before CPUID and the system were asked (kernel/amx/amx_state.h).
#include "kernel/amx/bf16_tiles.h"
#include "kernel/amx/byte_tiles.h"
#include "kernel/avx512vnni/panels.h"

#define QUANT_TIER_NAME "amx"
#define QUANT_TIER_DEF "kernel/amx/table.def"
#define QUANT_TIER_BASE avx512vnni_table()

namespace quant::kernel::amx {
/// Codes stay signed.
template <quant_encoding Encoding> constexpr ExpandPanel expand_panel_of = avx512vnni::expand_panel_of<Encoding, 0>;

#include "kernel/fill_table.h"
} // namespace quant::kernel::amx

namespace quant::kernel {

const KernelTable &amx_table() {
    static const KernelTable table = [] {
        KernelTable out = amx::fill_table();
        out.split_gemm = amx::gemm;
        out.gemm_rows = amx::gemm_rows;
        out.bf16 = {nullptr, nullptr, amx::bf16_peak}; // Two products of tiles are sooner done than one of registers.
        return out;
    }();
    return table;
}

} // namespace quant::kernel
