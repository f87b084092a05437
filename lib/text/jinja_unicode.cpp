#include "text/jinja_unicode.h"

#include "base/utf8.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstring>

namespace quant::jinja::unicode {

namespace {

utf8proc_category_t category(uint32_t code_point) {
    return utf8proc_category(static_cast<utf8proc_int32_t>(code_point));
}

// What one letter becomes where Unicode's full mapping gives several.
struct Special {
    uint32_t code_point;
    std::string_view upper, title;
};
constexpr Special specials[] = {
    {0xDF, "SS", "Ss"},     {0x149, "ʼN", "ʼN"},    {0x1F0, "J̌", "J̌"},     {0x587, "ԵՒ", "Եւ"},
    {0xFB00, "FF", "Ff"},   {0xFB01, "FI", "Fi"},   {0xFB02, "FL", "Fl"},   {0xFB03, "FFI", "Ffi"},
    {0xFB04, "FFL", "Ffl"}, {0xFB05, "ST", "St"},   {0xFB06, "ST", "St"},
};

enum class Case : uint8_t { upper, lower, title };

void append_cased(std::string &out, std::string_view glyph, uint32_t code_point, Case to) {
    if (code_point < 0x80) {
        const char c = glyph[0];
        const bool small = c >= 'a' && c <= 'z', big = c >= 'A' && c <= 'Z';
        out += to == Case::lower ? (big ? static_cast<char>(c + 32) : c) : (small ? static_cast<char>(c - 32) : c);
        return;
    }
    if (code_point == 0xFFFD) return void(out += glyph);
    if (to != Case::lower) {
        for (const Special &special : specials)
            if (special.code_point == code_point) return void(out += to == Case::upper ? special.upper : special.title);
    }
    if (to == Case::lower && code_point == 0x130) return void(out += "i̇");
    const auto c = static_cast<utf8proc_int32_t>(code_point);
    const auto mapped = to == Case::upper ? utf8proc_toupper(c) : to == Case::lower ? utf8proc_tolower(c) : utf8proc_totitle(c);
    utf8_append(out, static_cast<uint32_t>(mapped));
}

std::string cased(std::string_view text, Case to) {
    std::string out;
    out.reserve(text.size());
    for (size_t at = 0; at < text.size();) {
        const Glyph g = read(text, at);
        append_cased(out, text.substr(at, g.bytes), g.code_point, to);
        at += g.bytes;
    }
    return out;
}

} // namespace

size_t glyph_bytes(std::string_view text, size_t at) {
    if (static_cast<unsigned char>(text[at]) < 0x80) return 1;
    return std::max<size_t>(utf8_sequence_length(text.substr(at, 4)), 1);
}

Glyph read(std::string_view text, size_t at) {
    const auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[at + i])); };
    const uint32_t first = byte(0);
    if (first < 0x80) return {first, 1};
    switch (utf8_sequence_length(text.substr(at, 4))) {
    case 2: return {(first & 0x1F) << 6 | (byte(1) & 0x3F), 2};
    case 3: return {(first & 0x0F) << 12 | (byte(1) & 0x3F) << 6 | (byte(2) & 0x3F), 3};
    case 4: return {(first & 0x07) << 18 | (byte(1) & 0x3F) << 12 | (byte(2) & 0x3F) << 6 | (byte(3) & 0x3F), 4};
    default: return {0xFFFD, 1};
    }
}

size_t glyph_before(std::string_view text, size_t end) {
    for (size_t n = 2; n <= 4 && n <= end; ++n)
        if (utf8_sequence_length(text.substr(end - n, n)) == n) return end - n;
    return end - 1;
}

size_t length(std::string_view text) {
    size_t n = 0;
    for (size_t at = 0; at < text.size(); ++n) at += glyph_bytes(text, at);
    return n;
}

std::vector<size_t> offsets(std::string_view text) {
    std::vector<size_t> out;
    out.reserve(text.size() + 1);
    for (size_t at = 0; at < text.size(); at += glyph_bytes(text, at)) out.push_back(at);
    out.push_back(text.size());
    return out;
}

bool is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 9 && c <= 13) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_line_end(uint32_t c) {
    return (c >= 10 && c <= 13) || (c >= 0x1C && c <= 0x1E) || c == 0x85 || c == 0x2028 || c == 0x2029;
}

bool is_letter(uint32_t c) {
    const auto k = category(c);
    return k >= UTF8PROC_CATEGORY_LU && k <= UTF8PROC_CATEGORY_LO;
}

bool is_digit(uint32_t c) { return c < 0x80 ? c >= '0' && c <= '9' : category(c) == UTF8PROC_CATEGORY_ND; }

bool is_word(uint32_t c) {
    const auto k = category(c);
    return c == '_' || is_letter(c) || (k >= UTF8PROC_CATEGORY_ND && k <= UTF8PROC_CATEGORY_NO);
}

bool is_upper(uint32_t c) { return category(c) == UTF8PROC_CATEGORY_LU; }
bool is_lower(uint32_t c) { return category(c) == UTF8PROC_CATEGORY_LL; }

bool is_printable(uint32_t c) {
    if (c < 0x80) return c >= 0x20 && c != 0x7F;
    switch (category(c)) {
    case UTF8PROC_CATEGORY_CN:
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_CS:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_ZS: return false;
    default: return true;
    }
}

std::string upper(std::string_view text) { return cased(text, Case::upper); }
std::string lower(std::string_view text) { return cased(text, Case::lower); }

std::string title(std::string_view text) {
    std::string out;
    bool inside = false;
    for (size_t at = 0; at < text.size();) {
        const Glyph g = read(text, at);
        append_cased(out, text.substr(at, g.bytes), g.code_point, inside ? Case::lower : Case::title);
        inside = is_upper(g.code_point) || is_lower(g.code_point) || category(g.code_point) == UTF8PROC_CATEGORY_LT;
        at += g.bytes;
    }
    return out;
}

std::string capitalize(std::string_view text) {
    if (text.empty()) return {};
    const Glyph g = read(text, 0);
    std::string out;
    append_cased(out, text.substr(0, g.bytes), g.code_point, Case::title);
    return out + lower(text.substr(g.bytes));
}

std::string_view strip(std::string_view text, Side side, std::optional<std::string_view> set) {
    std::vector<uint32_t> wanted;
    for (size_t at = 0; set && at < set->size(); at += glyph_bytes(*set, at)) wanted.push_back(read(*set, at).code_point);
    std::sort(wanted.begin(), wanted.end());
    const auto goes = [&](uint32_t c) { return set ? std::binary_search(wanted.begin(), wanted.end(), c) : is_space(c); };
    while (static_cast<int>(side) & 1 && !text.empty()) {
        const Glyph g = read(text, 0);
        if (!goes(g.code_point)) break;
        text.remove_prefix(g.bytes);
    }
    while (static_cast<int>(side) & 2 && !text.empty()) {
        const size_t last = glyph_before(text, text.size());
        if (!goes(read(text, last).code_point)) break;
        text = text.substr(0, last);
    }
    return text;
}

std::vector<std::string_view> split_lines(std::string_view text, bool keep_ends) {
    std::vector<std::string_view> out;
    size_t start = 0;
    for (size_t at = 0; at < text.size();) {
        const Glyph g = read(text, at);
        size_t next = at + g.bytes;
        if (is_line_end(g.code_point)) {
            if (g.code_point == '\r' && next < text.size() && text[next] == '\n') ++next;
            out.push_back(text.substr(start, (keep_ends ? next : at) - start));
            start = next;
        }
        at = next;
    }
    if (start < text.size()) out.push_back(text.substr(start));
    return out;
}

size_t find(std::string_view text, std::string_view part, size_t from) {
    if (from > text.size()) return std::string_view::npos;
    if (part.empty()) return from;
    // glibc's memmem is linear; string_view::find is not.
    const void *hit = ::memmem(text.data() + from, text.size() - from, part.data(), part.size());
    return hit ? static_cast<size_t>(static_cast<const char *>(hit) - text.data()) : std::string_view::npos;
}

size_t find_last(std::string_view text, std::string_view part) {
    if (part.size() > text.size()) return std::string_view::npos;
    const std::string backwards(text.rbegin(), text.rend()), needle(part.rbegin(), part.rend());
    const size_t hit = find(backwards, needle);
    return hit == std::string_view::npos ? hit : text.size() - hit - part.size();
}

} // namespace quant::jinja::unicode
