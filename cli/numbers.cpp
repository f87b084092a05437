#include "numbers.h"

#include "failure.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace quantctl {

namespace {

template <class T> bool parse_whole(std::string_view text, T &value) {
    const char *end = text.data() + text.size();
    const auto [stop, error] = std::from_chars(text.data(), end, value);
    return error == std::errc{} && stop == end;
}

std::string range_words(uint64_t low, uint64_t high) {
    if (high >= UINT32_MAX) return fmt::format("of at least {}", low);
    return fmt::format("from {} to {}", low, high);
}

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

} // namespace

uint64_t parse_count(std::string_view what, std::string_view text, uint64_t low, uint64_t high) {
    uint64_t value = 0;
    if (!parse_whole(text, value) || value < low || value > high)
        usage_error("{}: expected a whole number {}, found \"{}\"", what, range_words(low, high), text);
    return value;
}

double parse_real(std::string_view what, std::string_view text, double low, double high) {
    double value = 0;
    if (!parse_whole(text, value) || !std::isfinite(value) || value < low || value > high)
        usage_error("{}: expected a number {}, found \"{}\"", what,
                    std::isinf(high) ? fmt::format("of at least {}", low) : fmt::format("from {} to {}", low, high),
                    text);
    return value;
}

std::vector<uint32_t> parse_counts(std::string_view what, std::string_view text, uint32_t low, uint32_t high) {
    std::vector<uint32_t> out;
    for (size_t at = 0; at <= text.size();) {
        const size_t end = std::min(text.find(',', at), text.size());
        out.push_back(static_cast<uint32_t>(parse_count(what, text.substr(at, end - at), low, high)));
        at = end + 1;
    }
    return out;
}

std::vector<int32_t> parse_ids(std::string_view what, std::string_view text) {
    text = trimmed(text);
    if (text.size() >= 2 && text.front() == '[' && text.back() == ']') {
        text = trimmed(text.substr(1, text.size() - 2));
    }
    std::vector<int32_t> ids;
    while (!text.empty()) {
        const size_t comma = text.find(',');
        const std::string_view word = trimmed(text.substr(0, comma));
        int32_t id = 0;
        if (!parse_whole(word, id))
            usage_error("{}: expected token ids such as 1,2,3, found \"{}\" at place {}", what, word.substr(0, 40),
                        ids.size() + 1);
        ids.push_back(id);
        if (comma == std::string_view::npos) break;
        text.remove_prefix(comma + 1);
        if (text.empty()) usage_error("{}: expected a token id after the last comma", what);
    }
    return ids;
}

uint64_t checked_bytes(uint64_t rows, uint64_t cols, uint64_t item_bytes) {
    uint64_t elements = 0, bytes = 0;
    if (__builtin_mul_overflow(rows, cols, &elements) || __builtin_mul_overflow(elements, item_bytes, &bytes))
        usage_error("--rows {} --cols {}: so many weights cannot be counted in 64 bits", rows, cols);
    return bytes;
}

CLI::Option *add_real(CLI::App &app, const std::string &name, float &value, double low, double high,
                      const std::string &description) {
    return app
        .add_option_function<std::string>(
            name,
            [&value, name, low, high](const std::string &text) {
                value = static_cast<float>(parse_real(name, text, low, high));
            },
            description)
        ->type_name("X");
}

} // namespace quantctl
