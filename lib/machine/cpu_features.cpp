// Detection happens once; the detectors are one file an architecture.
#include "machine/cpu_features.h"

namespace quant {

const CpuFeatures &cpu_features() {
    static const CpuFeatures features = detect_cpu_features();
    return features;
}

} // namespace quant
