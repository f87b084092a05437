// The visible alphabet of byte-level BPE: every byte has a printable character (a
// space is U+0120), so that vocabularies and merges can be written as text.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace quant {

/// The character of a byte, in UTF-8.
std::string_view visible_byte(uint8_t byte);

/// The bytes that `visible` stands for; nothing when it has other characters.
std::optional<std::string> visible_to_bytes(std::string_view visible);

/// The byte of a token written `<0xNN>` with exactly two hexadecimal digits.
std::optional<uint8_t> parse_byte_token(std::string_view token);

} // namespace quant
