#include "turn_text.h"

#include <string_view>

namespace quantctl {

namespace {

constexpr std::string_view mark = "\"\"\"", system_command = "/set system ";

// Where the opening mark is: at the start, or where /set has its text. npos: there is none.
size_t opening_of(std::string_view typed) {
    if (typed.starts_with(mark)) return 0;
    if (!typed.starts_with(system_command)) return std::string_view::npos;
    const size_t at = typed.find_first_not_of(' ', system_command.size());
    return at != std::string_view::npos && typed.substr(at).starts_with(mark) ? at : std::string_view::npos;
}

bool closed(std::string_view typed, size_t opening) {
    return typed.size() >= opening + 2 * mark.size() && typed.ends_with(mark);
}

// Two backslashes are two backslashes.
bool ends_with_a_backslash(std::string_view line) {
    const size_t other = line.find_last_not_of('\\');
    return (line.size() - (other == std::string_view::npos ? 0 : other + 1)) % 2 == 1;
}

} // namespace

bool TurnText::add(const std::string &line) {
    if (goes_on_) typed_.pop_back();
    if (begun_) typed_ += '\n';
    typed_ += line;
    begun_ = true;
    const size_t opening = opening_of(typed_);
    goes_on_ = opening == std::string::npos && ends_with_a_backslash(line);
    return opening == std::string::npos ? !goes_on_ : closed(typed_, opening);
}

std::string TurnText::text() const {
    const size_t opening = opening_of(typed_);
    if (opening == std::string::npos) return goes_on_ ? typed_.substr(0, typed_.size() - 1) : typed_;
    std::string_view inner = std::string_view(typed_).substr(opening + mark.size());
    if (closed(typed_, opening)) inner.remove_suffix(mark.size());
    // The marks may have lines of their own.
    if (inner.starts_with('\n')) inner.remove_prefix(1);
    if (inner.ends_with('\n')) inner.remove_suffix(1);
    return typed_.substr(0, opening) + std::string(inner);
}

} // namespace quantctl
