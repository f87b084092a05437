// What tiers for x86 share that expand panels for products of many tokens.
#pragma once

#include "kernel/simd/simd_inline.h"

#include <immintrin.h>

#include <cstddef>

namespace quant::kernel::x86 {
namespace {

/// Whatever the bits of a code, the places of so many quads in their lines are known to the compiler.
constexpr size_t expanded_quads = 8;

/// Asks for a line of each of the next two units: expanding waits for memory otherwise, since the stretch before
/// this one was multiplied with all tokens meanwhile.
QUANT_INLINE void prefetch_units(const std::byte *line, size_t unit_bytes) {
    _mm_prefetch(reinterpret_cast<const char *>(line) + unit_bytes, _MM_HINT_T0);
    _mm_prefetch(reinterpret_cast<const char *>(line) + 2 * unit_bytes, _MM_HINT_T0);
}

} // namespace
} // namespace quant::kernel::x86
