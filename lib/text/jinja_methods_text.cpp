// The methods of str. What a safe text (Markup) gives is safe again.
#include "text/jinja_format.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>

namespace quant::jinja {

namespace {

using unicode::Side;

const std::string &self(const Bound &a) { return a.self().text(); }
Value like_self(Runtime &runtime, const Bound &a, std::string text) { return runtime.text(std::move(text), a.self().is_markup()); }
Value like_self(Runtime &runtime, const Bound &a, std::string_view text) { return like_self(runtime, a, std::string(text)); }

template <std::string (*change)(std::string_view)>
Value changed(Runtime &runtime, Bound &a) {
    runtime.work(self(a).size() * 4);
    return like_self(runtime, a, change(self(a)));
}

std::string swap_case(std::string_view text) {
    std::string out;
    for (size_t at = 0; at < text.size();) {
        const unicode::Glyph g = unicode::read(text, at);
        const std::string_view glyph = text.substr(at, g.bytes);
        out += unicode::is_upper(g.code_point) ? unicode::lower(glyph) : unicode::upper(glyph);
        at += g.bytes;
    }
    return out;
}

template <Side side>
Value strip(Runtime &runtime, Bound &a) {
    runtime.work(self(a).size());
    return like_self(runtime, a, a.has_value(0) ? unicode::strip(self(a), side, a.text(0)) : unicode::strip(self(a), side));
}

// str.split() and rsplit(); without a separator, at runs of white space.
std::vector<std::string_view> split_spaces(std::string_view text, int64_t most, bool from_right) {
    std::vector<std::string_view> out;
    const Side near = from_right ? Side::right : Side::left; // what is left over keeps its far end
    for (text = unicode::strip(text, most < 0 ? Side::both : near); !text.empty();) {
        if (most >= 0 && static_cast<int64_t>(out.size()) == most) {
            out.push_back(text);
            break;
        }
        size_t cut = from_right ? text.size() : 0;
        if (from_right) {
            for (size_t at = cut; cut > 0 && !unicode::is_space(unicode::read(text, at = unicode::glyph_before(text, cut)).code_point);) cut = at;
            out.push_back(text.substr(cut));
            text = unicode::strip(text.substr(0, cut), Side::right);
        } else {
            for (unicode::Glyph g{}; cut < text.size() && !unicode::is_space((g = unicode::read(text, cut)).code_point);) cut += g.bytes;
            out.push_back(text.substr(0, cut));
            text = unicode::strip(text.substr(cut), Side::left);
        }
    }
    if (from_right) std::reverse(out.begin(), out.end());
    return out;
}

std::vector<std::string_view> split_at(std::string_view text, std::string_view separator, int64_t most) {
    std::vector<std::string_view> out;
    size_t start = 0;
    while (most < 0 || static_cast<int64_t>(out.size()) < most) {
        const size_t hit = unicode::find(text, separator, start);
        if (hit == std::string_view::npos) break;
        out.push_back(text.substr(start, hit - start));
        start = hit + separator.size();
    }
    out.push_back(text.substr(start));
    return out;
}

// Right to left by splitting the reversed text.
std::vector<std::string> split_at_right(std::string_view text, std::string_view separator, int64_t most) {
    const std::string backwards(text.rbegin(), text.rend()), mark(separator.rbegin(), separator.rend());
    std::vector<std::string> out;
    for (const std::string_view part : split_at(backwards, mark, most)) out.emplace_back(part.rbegin(), part.rend());
    std::reverse(out.begin(), out.end());
    return out;
}

template <bool from_right>
Value split(Runtime &runtime, Bound &a) {
    const int64_t most = a.has_value(1) ? a.integer(1, -1) : -1;
    const std::string &text = self(a);
    runtime.work(text.size());
    Values out;
    const auto add = [&](const auto &parts) {
        for (const auto &part : parts) out.push_back(like_self(runtime, a, std::string_view(part)));
    };
    if (!a.has_value(0)) {
        add(split_spaces(text, most, from_right));
    } else {
        const std::string &separator = a.text(0);
        if (separator.empty()) runtime.fail("split() needs a separator that is not empty");
        if (from_right) add(split_at_right(text, separator, most));
        else add(split_at(text, separator, most));
    }
    return runtime.list(std::move(out));
}

Value split_lines(Runtime &runtime, Bound &a) {
    runtime.work(self(a).size());
    Values out;
    for (const std::string_view line : unicode::split_lines(self(a), a.truth(0, false))) out.push_back(like_self(runtime, a, line));
    return runtime.list(std::move(out));
}

// startswith() and endswith(), of one text or a tuple of them, between optional bounds.
template <bool at_end>
Value affix(Runtime &runtime, Bound &a) {
    Value subject = a.self();
    if (a.has(1)) subject = get_slice(runtime, subject, a[1], a.has(2) ? a[2] : Value::none(), Value::none());
    const std::string_view text = subject.text();
    const auto fits = [&](const Value &part) {
        if (part.is_undefined()) fail_undefined(runtime, part);
        if (!part.is_text()) runtime.fail("{}() expected a string or a tuple of strings, not {}", at_end ? "endswith" : "startswith", type_name(part));
        runtime.work(part.text().size());
        return at_end ? text.ends_with(part.text()) : text.starts_with(part.text());
    };
    if (!a[0].is(Kind::tuple)) return Value::boolean(fits(a[0]));
    return Value::boolean(std::any_of(a[0].items().begin(), a[0].items().end(), fits));
}

Value replace(Runtime &runtime, Bound &a) {
    const bool markup = a.self().is_markup();
    const auto argument = [&](size_t i) { return markup && !a[i].is_markup() ? escape_html(a.text(i)) : a.text(i); };
    return runtime.text(replace_text(runtime, self(a), argument(0), argument(1), a.has_value(2) ? a.integer(2, -1) : -1), markup);
}

Value join(Runtime &runtime, Bound &a) {
    std::string out;
    bool first = true;
    const bool markup = a.self().is_markup();
    for (const Value &item : Items(runtime, a[0])) {
        if (item.is_undefined()) fail_undefined(runtime, item);
        if (!item.is_text()) runtime.fail("join() expected strings, not {}", type_name(item));
        runtime.check_text(out.size() + self(a).size() + item.text().size());
        if (!std::exchange(first, false)) out += self(a);
        out += markup && !item.is_markup() ? escape_html(item.text()) : item.text();
    }
    return like_self(runtime, a, std::move(out));
}

// find(), rfind(), index(), rindex(): positions in characters.
template <bool last, bool must>
Value find(Runtime &runtime, Bound &a) {
    Value subject = a.self();
    int64_t offset = 0;
    if (a.has_value(1)) {
        const int64_t n = length_of(runtime, subject), from = a.integer(1, 0);
        offset = std::max<int64_t>(from < 0 ? from + n : from, 0);
        if (offset > n) return must ? (runtime.fail("substring not found"), Value()) : Value::integer(-1);
    }
    if (a.has(1)) subject = get_slice(runtime, subject, a[1], a.has(2) ? a[2] : Value::none(), Value::none());
    const std::string_view text = subject.text();
    runtime.work(text.size());
    const size_t hit = last ? unicode::find_last(text, a.text(0)) : unicode::find(text, a.text(0));
    if (hit != std::string_view::npos) return Value::integer(offset + static_cast<int64_t>(unicode::length(text.substr(0, hit))));
    if (must) runtime.fail("substring not found");
    return Value::integer(-1);
}

Value count_text(Runtime &runtime, Bound &a) {
    runtime.work(self(a).size());
    if (a.text(0).empty()) return Value::integer(length_of(runtime, a.self()) + 1);
    return Value::integer(static_cast<int64_t>(split_at(self(a), a.text(0), -1).size()) - 1);
}

Value format(Runtime &runtime, Bound &a) { return brace_format(runtime, a.self(), a.rest, a.named); }

Value format_map(Runtime &runtime, Bound &a) {
    if (!a[0].is(Kind::dict)) runtime.fail("format_map() expected a dict, not {}", type_name(a[0]));
    NamedValues named;
    for (const auto &[key, value] : a[0].as<Dict>().entries())
        if (key.is_text()) named.emplace_back(key.text(), value);
    return brace_format(runtime, a.self(), {}, named);
}

template <bool (*is)(uint32_t)>
Value all_are(Runtime &runtime, Bound &a) {
    const std::string &text = self(a);
    runtime.work(text.size());
    for (size_t at = 0; at < text.size();) {
        const unicode::Glyph g = unicode::read(text, at);
        if (!is(g.code_point)) return Value::boolean(false);
        at += g.bytes;
    }
    return Value::boolean(!text.empty());
}

bool is_alphanumeric(uint32_t c) { return c != '_' && unicode::is_word(c); }
bool is_ascii(uint32_t c) { return c < 0x80; }

template <bool upper>
Value cased_as(Runtime &runtime, Bound &a) { return Value::boolean(is_cased(runtime, self(a), upper)); }

Value is_ascii_text(Runtime &runtime, Bound &a) {
    return Value::boolean(self(a).empty() || truth(all_are<is_ascii>(runtime, a)));
}

// ljust(), rjust(), center() and zfill(). `left_part` of 2 is what goes before the text.
Value padded(Runtime &runtime, Bound &a, std::string_view fill, int left_part) {
    const int64_t n = length_of(runtime, a.self()), missing = a.integer(0, 0) - n;
    if (missing <= 0) return a.self();
    const auto total = static_cast<uint64_t>(missing);
    runtime.check_text(total);
    runtime.work(total * fill.size());
    // As CPython: the odd one goes to the left if the width is odd.
    const uint64_t before = left_part == 1 ? total / 2 + (total & static_cast<uint64_t>(a.integer(0, 0)) & 1) : left_part == 2 ? total : 0;
    std::string left, right;
    for (uint64_t i = 0; i < total; ++i) (i < before ? left : right) += fill;
    return like_self(runtime, a, left + self(a) + right);
}

template <int left_part>
Value justify(Runtime &runtime, Bound &a) {
    if (a.has(1) && unicode::length(a.text(1)) != 1) runtime.fail("the fill character must be exactly one character long");
    return padded(runtime, a, a.has(1) ? a.text(1) : " ", left_part);
}

Value zfill(Runtime &runtime, Bound &a) {
    const Value zeros = padded(runtime, a, "0", 2);
    std::string text = zeros.text();
    const std::string &old = self(a);
    if (text.size() > old.size() && !old.empty() && (old[0] == '-' || old[0] == '+')) {
        text[text.size() - old.size()] = '0';
        text[0] = old[0];
    }
    return like_self(runtime, a, std::move(text));
}

template <bool at_end>
Value remove_affix(Runtime &runtime, Bound &a) {
    std::string_view text = self(a);
    if (at_end && text.ends_with(a.text(0))) text.remove_suffix(a.text(0).size());
    if (!at_end && text.starts_with(a.text(0))) text.remove_prefix(a.text(0).size());
    return like_self(runtime, a, text);
}

template <bool last>
Value partition(Runtime &runtime, Bound &a) {
    const std::string_view text = self(a), separator = a.text(0);
    if (separator.empty()) runtime.fail("partition() needs a separator that is not empty");
    runtime.work(text.size());
    const size_t hit = last ? unicode::find_last(text, separator) : unicode::find(text, separator);
    const auto part = [&](std::string_view s) { return like_self(runtime, a, s); };
    if (hit != std::string_view::npos)
        return runtime.tuple({part(text.substr(0, hit)), part(separator), part(text.substr(hit + separator.size()))});
    return last ? runtime.tuple({part(""), part(""), part(text)}) : runtime.tuple({part(text), part(""), part("")});
}

constexpr Native methods[] = {
    {"upper", "", &changed<unicode::upper>},
    {"lower", "", &changed<unicode::lower>},
    {"casefold", "", &changed<unicode::lower>},
    {"title", "", &changed<unicode::title>},
    {"capitalize", "", &changed<unicode::capitalize>},
    {"swapcase", "", &changed<swap_case>},
    {"strip", "chars?", &strip<Side::both>},
    {"lstrip", "chars?", &strip<Side::left>},
    {"rstrip", "chars?", &strip<Side::right>},
    {"split", "sep? maxsplit?", &split<false>},
    {"rsplit", "sep? maxsplit?", &split<true>},
    {"splitlines", "keepends?", &split_lines},
    {"startswith", "prefix start? end?", &affix<false>},
    {"endswith", "suffix start? end?", &affix<true>},
    {"replace", "old new count?", &replace},
    {"join", "iterable", &join},
    {"find", "sub start? end?", &find<false, false>},
    {"rfind", "sub start? end?", &find<true, false>},
    {"index", "sub start? end?", &find<false, true>},
    {"rindex", "sub start? end?", &find<true, true>},
    {"count", "sub", &count_text},
    {"format", "* **", &format},
    {"format_map", "mapping", &format_map},
    {"isdigit", "", &all_are<unicode::is_digit>},
    {"isdecimal", "", &all_are<unicode::is_digit>},
    {"isnumeric", "", &all_are<unicode::is_digit>},
    {"isalpha", "", &all_are<unicode::is_letter>},
    {"isalnum", "", &all_are<is_alphanumeric>},
    {"isspace", "", &all_are<unicode::is_space>},
    {"isascii", "", &is_ascii_text},
    {"isupper", "", &cased_as<true>},
    {"islower", "", &cased_as<false>},
    {"ljust", "width fillchar?", &justify<0>},
    {"center", "width fillchar?", &justify<1>},
    {"rjust", "width fillchar?", &justify<2>},
    {"zfill", "width", &zfill},
    {"removeprefix", "prefix", &remove_affix<false>},
    {"removesuffix", "suffix", &remove_affix<true>},
    {"partition", "sep", &partition<false>},
    {"rpartition", "sep", &partition<true>},
};

} // namespace

const Native *find_text_method(std::string_view name) { return find_in(methods, name); }

bool is_cased(Runtime &runtime, std::string_view text, bool upper) {
    runtime.work(text.size());
    bool any = false;
    for (size_t at = 0; at < text.size();) {
        const unicode::Glyph g = unicode::read(text, at);
        if (upper ? unicode::is_lower(g.code_point) : unicode::is_upper(g.code_point)) return false;
        any |= upper ? unicode::is_upper(g.code_point) : unicode::is_lower(g.code_point);
        at += g.bytes;
    }
    return any;
}

std::string replace_text(Runtime &runtime, std::string_view text, std::string_view old, std::string_view with, int64_t most) {
    std::string out;
    size_t at = 0;
    runtime.work(text.size());
    for (int64_t n = 0; most < 0 || n < most; ++n) {
        const size_t hit = unicode::find(text, old, at);
        if (hit == std::string_view::npos) break;
        out += text.substr(at, hit - at);
        out += with;
        runtime.check_text(out.size());
        runtime.work(with.size() + 8);
        at = hit + old.size();
        if (!old.empty()) continue;
        if (at >= text.size()) return out; // an empty text stands also behind the last character
        const size_t glyph = unicode::glyph_bytes(text, at);
        out += text.substr(at, glyph);
        at += glyph;
    }
    return out += text.substr(at);
}

} // namespace quant::jinja
