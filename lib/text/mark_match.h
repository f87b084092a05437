// Comparing a mark with text that may not have arrived in full. Every reader of replies asks
// this and waits on "partial", which is why a reply may be cut anywhere.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quant {

enum class MarkMatch : uint8_t { no, partial, yes };

/// Whether `mark` stands at `at`, or the text ends within what may become it.
inline MarkMatch match_mark(std::string_view text, size_t at, std::string_view mark) noexcept {
    const std::string_view rest = text.substr(at);
    if (rest.size() >= mark.size()) return rest.starts_with(mark) ? MarkMatch::yes : MarkMatch::no;
    return mark.starts_with(rest) ? MarkMatch::partial : MarkMatch::no;
}

inline bool is_blank(char c) noexcept { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

inline size_t skip_blanks(std::string_view text, size_t at) noexcept {
    while (at < text.size() && is_blank(text[at])) ++at;
    return at;
}

inline std::string_view trim_blanks(std::string_view text) noexcept {
    text.remove_prefix(skip_blanks(text, 0));
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

} // namespace quant
