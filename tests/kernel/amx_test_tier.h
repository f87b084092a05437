// The AMX tier for tests: on the CPU where it has one that may be used, else emulated.
#pragma once

#include "amx_emulator.h"
#include "kernel/kernel_table.h"

namespace quant::test {

/// Whether AMX's instructions run, on whatever; if not, a warning says so. To be asked in each test case.
bool amx_runs();

/// What it is held to, and what it takes where tiles would not pay.
inline const kernel::KernelTable &tiles_tier() { return kernel::amx_table(); }
inline const kernel::KernelTable &proven_tier() { return kernel::avx512vnni_table(); }

} // namespace quant::test
