// UTF-8 as RFC 3629 has it: no surrogates, no overlong forms, at most U+10FFFF.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace quant {

/// Bytes of the well-formed sequence that `text` begins with; 0 if it begins with none.
size_t utf8_sequence_length(std::string_view text) noexcept;

/// Offset of the first byte that is not part of well-formed UTF-8, or text.size().
size_t utf8_valid_prefix(std::string_view text) noexcept;

inline bool is_utf8(std::string_view text) noexcept { return utf8_valid_prefix(text) == text.size(); }

/// Bytes at the end of `text` that begin a sequence which more bytes could still
/// complete (0 to 3). What stands before them can be shown at once.
size_t utf8_incomplete_tail(std::string_view text) noexcept;

/// Append a code point; surrogates and values over U+10FFFF become U+FFFD.
void utf8_append(std::string &out, uint32_t code_point);

} // namespace quant
