// Rotary position embedding: a pass over memory that is hot anyway, so plain loops.
#include "kernel/ops.h"

namespace quant {

namespace {

inline void turn(float &a, float &b, float cosine, float sine) {
    const float x = a, y = b;
    a = x * cosine - y * sine;
    b = x * sine + y * cosine;
}

} // namespace

void rope(const RopeArgs &args) {
    const size_t half = args.dims / 2;
    for (size_t t = 0; t < args.tokens; ++t) {
        const float *cosines = args.cosines + t * half, *sines = args.sines + t * half;
        for (size_t h = 0; h < args.heads; ++h) {
            float *x = args.x + t * args.x_stride + h * args.head_dim;
            if (args.interleaved)
                for (size_t i = 0; i < half; ++i) turn(x[2 * i], x[2 * i + 1], cosines[i], sines[i]);
            else
                for (size_t i = 0; i < half; ++i) turn(x[i], x[i + half], cosines[i], sines[i]);
        }
    }
}

} // namespace quant
