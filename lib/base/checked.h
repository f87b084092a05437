// Arithmetic on numbers that come from outside. Every parser uses these and no
// other way to add, multiply or compare offsets.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>

namespace quant {

template <class T>
[[nodiscard]] constexpr std::optional<T> checked_add(T a, T b) noexcept {
    T out;
    if (__builtin_add_overflow(a, b, &out)) return std::nullopt;
    return out;
}

template <class T>
[[nodiscard]] constexpr std::optional<T> checked_mul(T a, T b) noexcept {
    T out;
    if (__builtin_mul_overflow(a, b, &out)) return std::nullopt;
    return out;
}

/// `value` as a To, or nothing if To cannot hold it.
template <class To, class From>
[[nodiscard]] constexpr std::optional<To> checked_cast(From value) noexcept {
    static_assert(std::is_integral_v<To> && std::is_integral_v<From>);
    To out;
    if (__builtin_add_overflow(value, From{0}, &out)) return std::nullopt;
    return out;
}

/// Whether [offset, offset + length) lies in [0, size), without overflow.
[[nodiscard]] constexpr bool in_range(uint64_t offset, uint64_t length, uint64_t size) noexcept {
    return offset <= size && length <= size - offset;
}

/// `value` rounded up to a multiple of `alignment` (a power of two).
[[nodiscard]] constexpr std::optional<uint64_t> checked_align(uint64_t value, uint64_t alignment) noexcept {
    const auto sum = checked_add<uint64_t>(value, alignment - 1);
    if (!sum) return std::nullopt;
    return *sum & ~(alignment - 1);
}

} // namespace quant
