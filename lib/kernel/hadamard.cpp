// Butterflies over neighbours 1, 2, 4 ... apart: a pass over memory that is hot anyway, so plain loops.
#include "kernel/ops.h"

#include <cmath>

namespace quant {

void hadamard(float *x, size_t n, size_t size) {
    const float scale = 1 / std::sqrt(static_cast<float>(size));
    for (size_t at = 0; at < n; at += size) {
        float *v = x + at;
        for (size_t apart = 1; apart < size; apart *= 2)
            for (size_t first = 0; first < size; first += 2 * apart)
                for (size_t i = first; i < first + apart; i++) {
                    const float a = v[i], b = v[i + apart];
                    v[i] = a + b;
                    v[i + apart] = a - b;
                }
        for (size_t i = 0; i < size; i++) v[i] *= scale;
    }
}

} // namespace quant
