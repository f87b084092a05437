// One growing buffer a thread, for the drivers of kernels: decoded panels, attention
// scores. It is bounded by the drivers' block sizes, not by the model.
#include "kernel/kernel_table.h"

#include "base/error.h"

#include <cstdlib>
#include <memory>

namespace quant::kernel {

float *thread_scratch(size_t count) {
    struct Free {
        void operator()(float *p) const { std::free(p); }
    };
    thread_local std::unique_ptr<float, Free> buffer;
    thread_local size_t capacity = 0;
    if (count > capacity) {
        capacity = 0;
        const size_t bytes = (count * sizeof(float) + 63) / 64 * 64;
        buffer.reset(static_cast<float *>(std::aligned_alloc(64, bytes)));
        if (!buffer) fail(QUANT_ERR_NO_MEMORY, "cannot allocate {} bytes of scratch memory", bytes);
        capacity = count;
    }
    return buffer.get();
}

} // namespace quant::kernel
