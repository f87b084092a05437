// Characters out of the text of a grammar or pattern, one at a time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace quant::grammar {

/// The character at `at`, which is moved behind it. `text` is UTF-8 and has one there.
uint32_t take_code_point(std::string_view text, size_t &at);

/// The value of so many hexadecimal digits at `at`, which is moved behind them; nothing,
/// and `at` is where the first is missing. At most 8.
std::optional<uint32_t> take_hexadecimal(std::string_view text, size_t &at, unsigned digits);

} // namespace quant::grammar
