// Python's view of text: code points, its notion of white space, case and printability.
// Bytes that are not UTF-8 count as one character each, so nothing here can fail.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant::jinja::unicode {

struct Glyph {
    uint32_t code_point; ///< U+FFFD for a stray byte.
    size_t bytes;
};
Glyph read(std::string_view text, size_t at);
size_t glyph_bytes(std::string_view text, size_t at);
/// Start of the glyph that ends at `end` (which is over 0).
size_t glyph_before(std::string_view text, size_t end);

size_t length(std::string_view text);
/// Byte offsets of all glyphs, and text.size() at the end.
std::vector<size_t> offsets(std::string_view text);

bool is_space(uint32_t code_point);
bool is_line_end(uint32_t code_point);
bool is_letter(uint32_t code_point);
bool is_digit(uint32_t code_point);
bool is_word(uint32_t code_point); ///< As \w.
bool is_upper(uint32_t code_point);
bool is_lower(uint32_t code_point);
bool is_printable(uint32_t code_point);

std::string upper(std::string_view text);
std::string lower(std::string_view text);
/// The first letter of every word upper case, the others lower, as str.title().
std::string title(std::string_view text);
std::string capitalize(std::string_view text);

enum class Side : uint8_t { left = 1, right = 2, both = 3 };
/// Without white space, or without the characters of `set`, at its ends.
std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> set = {});

/// As str.splitlines().
std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends = false);

/// The first or last `part` in `text`, or npos; in linear time whatever they hold.
size_t find(std::string_view text, std::string_view part, size_t from = 0);
size_t find_last(std::string_view text, std::string_view part);

} // namespace quant::jinja::unicode
