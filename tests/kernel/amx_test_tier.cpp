#include "amx_test_tier.h"

#include "kernel/amx/amx_state.h"
#include "machine/cpu_features.h"

#include <catch2/catch.hpp>

namespace quant::test {

bool amx_runs() {
    if (!cpu_features().avx512_vnni) {
        WARN("this machine lacks AVX-512 VNNI, which the AMX tier goes with: it is not tested");
        return false;
    }
    if (!kernel::amx_state().usable) emulate_amx();
    return true;
}

} // namespace quant::test
