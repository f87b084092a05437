// Parts of JSON text as text: a call's arguments are handed on as the model wrote them, since
// reading and writing them again would change numbers that no double holds. All of it expects
// text that json::parse accepted, so that walking needs no checks of its own.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quant {

/// Whether `text` is one JSON document within json::max_depth. Threads: any.
bool is_json(std::string_view text);

/// `text` where it is JSON, or with the control characters in its strings escaped where it then
/// is, as models forget to do in programs that they write; nothing otherwise. Threads: any.
std::optional<std::string> json_mended(std::string_view text);

/// The members of a JSON object, values as they are written. `object` begins with "{".
std::vector<std::pair<std::string, std::string_view>> json_members(std::string_view object);

/// The elements of a JSON array as they are written. `array` begins with "[".
std::vector<std::string_view> json_elements(std::string_view array);

/// The string that a JSON value is, or nothing where it is none.
std::optional<std::string> json_string_value(std::string_view value);

/// `text` as a JSON string in quotes; bytes that are not UTF-8 become U+FFFD.
std::string json_quote(std::string_view text);

} // namespace quant
