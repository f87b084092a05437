// The scalar tier's table.
#include "kernel/scalar/scalar_bytes.h"
#include "kernel/scalar/scalar_expand.h"
#include "kernel/scalar/scalar_kernels.h"
#include "kernel/simd/simd_expand.h"

#define QUANT_TIER_NAME "scalar"
#define QUANT_TIER_DEF "kernel/scalar/table.def"

namespace quant::kernel::scalar {
#include "kernel/fill_table.h"
} // namespace quant::kernel::scalar

namespace quant::kernel {

const KernelTable &scalar_table() {
    static const KernelTable table = [] {
        KernelTable made = scalar::fill_table();
        made.panels_pay = false;
        return made;
    }();
    return table;
}

} // namespace quant::kernel
