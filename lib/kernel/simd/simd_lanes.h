// Sums that are the same floats on every tier. A sum runs in sixteen lanes, whatever a register
// holds: one register of 512 bits, two of 256, four of 128 or an array. In the end the upper half
// of the lanes is added to the lower, until one is left; S::sum() does so within a register.
#pragma once

#include "kernel/simd/simd_inline.h"

namespace quant::kernel::simd {
namespace {

constexpr size_t lanes = 16;
/// Registers of sixteen lanes.
template <class S>
constexpr size_t parts = lanes / S::width;

/// As many of `count` lanes as are of register `part`.
template <class S>
QUANT_INLINE size_t part_of(size_t count, size_t part) {
    const size_t before = part * S::width, left = count > before ? count - before : 0;
    return left < S::width ? left : S::width;
}

/// The first n of a register, which may be none or all.
template <class S>
QUANT_INLINE typename S::V load_part(const float *p, size_t n) {
    return n == S::width ? S::load(p) : S::load_some(p, n);
}
template <class S>
QUANT_INLINE void store_part(float *p, size_t n, typename S::V v) {
    n == S::width ? S::store(p, v) : S::store_some(p, n, v);
}

/// Upper halves of sixteen lanes onto the lower, until what is left fills one register.
template <class S>
QUANT_INLINE typename S::V folded(const typename S::V (&v)[parts<S>]) {
    if constexpr (parts<S> == 1) return v[0];
    else if constexpr (parts<S> == 2) return S::add(v[0], v[1]);
    else return S::add(S::add(v[0], v[2]), S::add(v[1], v[3]));
}

} // namespace
} // namespace quant::kernel::simd
