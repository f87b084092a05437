// What every kernel file of a tier needs. Code of a tier is inlined or has internal linkage:
// the linker must never pick one tier's code for another.
#pragma once

#include <cstddef>
#include <cstdint>

#define QUANT_INLINE inline __attribute__((always_inline))

namespace quant::kernel::simd {
namespace {

QUANT_INLINE uint16_t read_u16(const std::byte *p) {
    uint16_t v;
    __builtin_memcpy(&v, p, 2);
    return v;
}
QUANT_INLINE uint32_t read_u32(const std::byte *p) {
    uint32_t v;
    __builtin_memcpy(&v, p, 4);
    return v;
}

/// Asks for a line that is read soon, into the second-level cache, which waits for more lines at a time.
QUANT_INLINE void prefetch_second_level(const std::byte *p) { __builtin_prefetch(p, 0, 2); }

} // namespace
} // namespace quant::kernel::simd
