// Whether the AMX tier may run here: the CPU has the instructions, the system lets this process use
// their registers, and what they give is right. Wrong sums would make nonsense of every prompt, and
// tiles are the youngest part of CPUs, emulators and hypervisors; so they prove themselves once.
#pragma once

#include "kernel/kernel_table.h"
#include "machine/cpu_features.h"

#include <string>

namespace quant::kernel {

struct AmxState {
    bool usable = false;
    std::string words; ///< What was found, for people; "" where the CPU has no AMX.
};

/// Asks the system the first time, and then multiplies; a CPU that has AMX and may not use it, or
/// multiplies wrongly with it, is logged as a warning. Threads: any.
const AmxState &amx_state();

/// The same of a CPU with these features, where the system answered `refusal` ("" if it gives leave),
/// and `tiles` gives the tier. That is called, and its products are tried, where nothing else stands
/// against it: it is compiled for such CPUs.
AmxState judge_amx(const CpuFeatures &cpu, const std::string &refusal, const KernelTable &(*tiles)());

/// Whether small products with groups of all sizes, and one of floats, come out as those of `proven`: of
/// bytes to the bit, of floats within their tolerance.
bool products_agree(const KernelTable &tiles, const KernelTable &proven);

} // namespace quant::kernel
