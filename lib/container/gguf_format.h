// The numbers of the GGUF format that reader and writer share, and the limits that
// this library sets where the format has none.
#pragma once

#include "base/checked.h"
#include "container/metadata.h"

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

namespace quant::gguf {

inline constexpr std::string_view magic = "GGUF";
inline constexpr uint32_t written_version = 3;

inline constexpr uint32_t default_alignment = 32;
inline constexpr uint32_t min_alignment = 8;
inline constexpr uint32_t max_alignment = 64 << 10;
inline constexpr std::string_view alignment_key = "general.alignment";

inline constexpr std::string_view split_part_key = "split.no";
inline constexpr std::string_view split_count_key = "split.count";
inline constexpr std::string_view split_tensors_key = "split.tensors.count";

inline constexpr uint32_t max_dims = 4;
inline constexpr uint64_t max_key_bytes = 65535;       ///< The format's own limit.
inline constexpr uint64_t max_name_bytes = 127;        ///< Of a tensor, when reading.
inline constexpr uint64_t max_written_name_bytes = 63; ///< What other readers take.

inline constexpr uint64_t max_keys = uint64_t{1} << 16;
inline constexpr uint64_t max_array_elements = uint64_t{1} << 24; ///< Of all arrays of a file together.
inline constexpr uint64_t max_metadata_bytes = uint64_t{256} << 20;
inline constexpr unsigned max_array_depth = 4;

inline constexpr size_t value_types = std::variant_size_v<MetadataValue>;
static_assert(value_types == 13 && std::variant_size_v<MetadataArray::Elements> == value_types);

/// Whether `value` is a good general.alignment: u32, a power of two, in the limits.
inline std::optional<uint32_t> valid_alignment(const MetadataValue &value) noexcept {
    const uint32_t *alignment = std::get_if<uint32_t>(&value);
    if (!alignment || *alignment < min_alignment || *alignment > max_alignment) return std::nullopt;
    if ((*alignment & (*alignment - 1)) != 0) return std::nullopt;
    return *alignment;
}

/// A number as the format has it: little-endian, as all machines that this is built for have it in memory.
template <class T>
void put(std::string &out, T value) {
    static_assert(std::is_arithmetic_v<T> && std::endian::native == std::endian::little);
    char bytes[sizeof value];
    std::memcpy(bytes, &value, sizeof value);
    out.append(bytes, sizeof value);
}

/// Product of the shape if it and the bytes of its blocks fit in 63 bits.
inline std::optional<uint64_t> tensor_bytes(std::span<const uint64_t> shape, uint32_t block_weights,
                                            uint32_t block_bytes) noexcept {
    uint64_t elements = 1;
    for (const uint64_t n : shape) {
        const auto product = checked_mul(elements, n);
        if (!product || *product > INT64_MAX) return std::nullopt;
        elements = *product;
    }
    const auto bytes = checked_mul<uint64_t>(elements / block_weights, block_bytes);
    if (!bytes || *bytes > INT64_MAX) return std::nullopt;
    return bytes;
}

} // namespace quant::gguf
