// Architectures without a detector: only the scalar tier runs there.
#include "machine/cpu_features.h"

namespace quant {

CpuFeatures detect_cpu_features() { return {}; }

} // namespace quant
