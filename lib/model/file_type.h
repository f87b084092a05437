// GGUF's general.file_type numbers and the names users know them by.
#pragma once

#include "encoding/encoding.h"

#include <cstdint>
#include <optional>
#include <string_view>

namespace quant {

/// "Q4_K_M" for 15; "" for a number that is none.
std::string_view file_type_name(uint64_t file_type) noexcept;
/// 15 for "Q4_K_M", any case.
std::optional<uint32_t> file_type_number(std::string_view name) noexcept;

} // namespace quant
