// Parsing of character sets. A set inside a set is a union, as in Oniguruma, whose
// syntax tokenizer.json is written in; intersections and further classes are refused,
// and then PCRE2 gets the pattern.
#include "text/char_set.h"

#include <algorithm>

namespace quant {

namespace {

constexpr int max_nesting = 4;

struct ClassName {
    std::string_view name;
    uint16_t flags;
};
constexpr ClassName class_names[] = {
    {"p{L}", chars::letter},  {"p{N}", chars::number}, {"p{P}", chars::punctuation}, {"p{S}", chars::symbol},
    {"p{M}", chars::mark},    {"p{Nd}", chars::decimal}, {"p{Han}", chars::han},     {"p{Ll}", chars::lower},
    {"d", chars::decimal},    {"s", chars::space},
};

// Take one character off the front; nothing at the end or for an invalid byte.
std::optional<uint32_t> take(std::string_view &pattern) {
    const chars::Glyph g = chars::Table::get().read(pattern, 0);
    if (g.bytes == 0 || g.code_point == chars::invalid_byte) return std::nullopt;
    pattern.remove_prefix(g.bytes);
    return g.code_point;
}

// After a backslash: a class is added to `set`, a character is returned.
bool take_escape(std::string_view &pattern, CharSet &set, std::optional<uint32_t> &character) {
    for (const ClassName &known : class_names) {
        if (!pattern.starts_with(known.name)) continue;
        pattern.remove_prefix(known.name.size());
        set.flags |= known.flags;
        return true;
    }
    const auto c = take(pattern);
    if (!c) return false;
    const bool is_letter_or_digit = chars::Table::get().flags(*c) & chars::word;
    if (*c == 'r') character = '\r';
    else if (*c == 'n') character = '\n';
    else if (*c == 't') character = '\t';
    else if (is_letter_or_digit) return false;
    else character = c;
    return true;
}

bool parse_members(std::string_view &pattern, CharSet &set, int depth) {
    if (depth > max_nesting) return false;
    bool is_first = true;
    while (!pattern.empty()) {
        if (pattern.front() == ']' && !is_first) {
            pattern.remove_prefix(1);
            return true;
        }
        is_first = false;
        if (pattern.starts_with("&&") || pattern.starts_with("[:") || pattern.starts_with("[^")) return false;
        if (pattern.front() == '[') {
            pattern.remove_prefix(1);
            if (!parse_members(pattern, set, depth + 1)) return false;
            continue;
        }
        std::optional<uint32_t> first, last;
        if (pattern.front() == '\\') {
            pattern.remove_prefix(1);
            if (!take_escape(pattern, set, first)) return false;
            if (!first) continue;
        } else if (!(first = take(pattern))) {
            return false;
        }
        last = first;
        if (pattern.size() > 1 && pattern[0] == '-' && pattern[1] != ']') {
            pattern.remove_prefix(1);
            if (pattern.front() == '[' || pattern.front() == '\\' || !(last = take(pattern)) || *last < *first)
                return false;
        }
        set.ranges.emplace_back(*first, *last);
    }
    return false;
}

void sort_and_join(std::vector<std::pair<uint32_t, uint32_t>> &ranges) {
    std::sort(ranges.begin(), ranges.end());
    std::vector<std::pair<uint32_t, uint32_t>> joined;
    for (const auto &range : ranges) {
        if (!joined.empty() && range.first <= joined.back().second + 1)
            joined.back().second = std::max(joined.back().second, range.second);
        else
            joined.push_back(range);
    }
    ranges = std::move(joined);
}

} // namespace

bool CharSet::has(chars::Glyph g) const {
    bool in = g.is(flags);
    if (!in && !ranges.empty()) {
        const auto after = std::upper_bound(ranges.begin(), ranges.end(), g.code_point,
                                            [](uint32_t c, const auto &range) { return c < range.first; });
        in = after != ranges.begin() && g.code_point <= std::prev(after)->second;
    }
    return in != negated;
}

std::optional<CharSet> parse_char_set(std::string_view &pattern) {
    CharSet set;
    if (pattern.empty()) return std::nullopt;
    const char first = pattern.front();
    if (first == '[') {
        pattern.remove_prefix(1);
        if (pattern.starts_with('^')) {
            set.negated = true;
            pattern.remove_prefix(1);
        }
        if (!parse_members(pattern, set, 0)) return std::nullopt;
    } else if (first == '\\') {
        pattern.remove_prefix(1);
        std::optional<uint32_t> character;
        if (!take_escape(pattern, set, character)) return std::nullopt;
        if (character) set.ranges.emplace_back(*character, *character);
    } else {
        if (std::string_view("^$.|?*+(){}").find(first) != std::string_view::npos) return std::nullopt;
        const auto c = take(pattern);
        if (!c) return std::nullopt;
        set.ranges.emplace_back(*c, *c);
    }
    sort_and_join(set.ranges);
    return set;
}

} // namespace quant
