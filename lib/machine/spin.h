// Waiting without sleeping, for what comes within microseconds.
#pragma once

#include <chrono>
#include <thread>

namespace quant {

inline void relax_cpu() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

/// Spin until `ready()` or the time is up; says whether it is ready.
template <class Ready>
bool spin_until(Ready &&ready, std::chrono::microseconds time) {
    const auto deadline = std::chrono::steady_clock::now() + time;
    for (;;) {
        for (int i = 0; i < 64; ++i) {
            if (ready()) return true;
            relax_cpu();
        }
        if (std::chrono::steady_clock::now() >= deadline) return ready();
    }
}

} // namespace quant
