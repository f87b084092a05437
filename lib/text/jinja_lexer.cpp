#include "text/jinja_lexer.h"

#include "base/utf8.h"
#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace quant::jinja {

namespace {

bool name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || static_cast<signed char>(c) < 0; }
bool digit(char c) { return c >= '0' && c <= '9'; }
bool name_part(char c) { return name_start(c) || digit(c); }

} // namespace

std::string normalized_source(std::string_view source) {
    std::string out;
    out.reserve(source.size());
    for (size_t i = 0; i < source.size(); ++i) {
        if (source[i] == '\r') {
            out += '\n';
            if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
        } else {
            out += source[i];
        }
    }
    if (!out.empty() && out.back() == '\n') out.pop_back();
    return out;
}

void Lexer::fail(std::string_view what) const { template_failure(name_, line_, what); }

void Lexer::advance(size_t to) {
    line_ += static_cast<uint32_t>(std::count(source_.begin() + static_cast<ptrdiff_t>(at_),
                                              source_.begin() + static_cast<ptrdiff_t>(to), '\n'));
    at_ = to;
}

size_t Lexer::skip_spaces(size_t at) const {
    while (at < source_.size()) {
        const unicode::Glyph g = unicode::read(source_, at);
        if (!unicode::is_space(g.code_point)) break;
        at += g.bytes;
    }
    return at;
}

// Where text goes on after a tag's end at `at`, or npos if there is none: "-%}" takes all
// white space, "+%}" nothing, "%}" one line end where `trims_newline`.
size_t Lexer::after_tag_end(size_t at, std::string_view end, bool trims_newline) const {
    if (source_.substr(at).starts_with(end)) {
        at += end.size();
        return trims_newline && at < source_.size() && source_[at] == '\n' ? at + 1 : at;
    }
    if (at >= source_.size() || !source_.substr(at + 1).starts_with(end)) return std::string_view::npos;
    if (source_[at] == '-') return skip_spaces(at + 1 + end.size());
    return source_[at] == '+' && trims_newline ? at + 1 + end.size() : std::string_view::npos;
}

// The data up to a tag at `end`, less what the tag strips from it.
std::string Lexer::trimmed_data(size_t end, char tag, char sign) const {
    std::string_view data = source_.substr(at_, end - at_);
    if (sign == '-') return std::string(unicode::strip(data, unicode::Side::right));
    if (sign == '+' || tag == '{') return std::string(data);
    const size_t newline = data.rfind('\n');
    if (newline == std::string_view::npos && !line_start_) return std::string(data);
    const size_t line = newline == std::string_view::npos ? 0 : newline + 1;
    const bool blank = unicode::strip(data.substr(line), unicode::Side::left).empty();
    return std::string(blank ? data.substr(0, line) : data);
}

void Lexer::skip_comment(size_t at) {
    const size_t end = source_.find("#}", at);
    if (end == std::string_view::npos) fail("expected the end of a comment, '#}'");
    const bool is_signed = end > at && (source_[end - 1] == '-' || source_[end - 1] == '+');
    advance(after_tag_end(is_signed ? end - 1 : end, "#}", true));
    line_start_ = source_[at_ - 1] == '\n';
}

// Whether `{% word %}` begins at `at`; `after` is then behind the word.
bool Lexer::raw_tag(size_t at, std::string_view word, size_t &after) const {
    at += 2;
    if (at < source_.size() && (source_[at] == '-' || source_[at] == '+')) ++at;
    at = skip_spaces(at);
    if (!source_.substr(at).starts_with(word)) return false;
    after = skip_spaces(at + word.size());
    return true;
}

// The body of a raw block that begins at `begin`, with the lexer left behind its end tag.
std::string Lexer::raw_body(size_t begin) {
    advance(begin);
    for (size_t tag = source_.find("{%", begin); tag != std::string_view::npos; tag = source_.find("{%", tag + 2)) {
        size_t after = 0;
        if (!raw_tag(tag, "endraw", after)) continue;
        const size_t end = after_tag_end(after, "%}", true);
        if (end == std::string_view::npos) continue;
        const char sign = source_[tag + 2];
        std::string body = trimmed_data(tag, '%', sign);
        advance(end);
        line_start_ = source_[end - 1] == '\n';
        return body;
    }
    fail("expected '{% endraw %}'");
}

void Lexer::open_tag(size_t at) {
    mode_ = source_[at + 1] == '%' ? Mode::block : Mode::print;
    const bool sign = at + 2 < source_.size() && (source_[at + 2] == '-' || source_[at + 2] == '+');
    advance(at + (sign ? 3 : 2));
    open_.clear();
}

// One piece of data, or the beginning of a tag; false if it came to nothing.
bool Lexer::next_data(Token &out) {
    size_t tag = source_.find('{', at_);
    while (tag != std::string_view::npos &&
           (tag + 1 >= source_.size() || std::string_view("%{#").find(source_[tag + 1]) == std::string_view::npos))
        tag = source_.find('{', tag + 1);
    out = Token{TokenKind::data, line_, {}};
    if (tag == std::string_view::npos) {
        out.text = source_.substr(at_);
        advance(source_.size());
        return !out.text.empty();
    }
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    const char kind = source_[tag + 1];
    if (tag > at_) {
        out.text = trimmed_data(tag, kind, sign);
        advance(tag);
        line_start_ = false;
        // What is left must not be stripped again: the tag itself comes next time.
        if (!out.text.empty()) return true;
    }
    size_t after = 0;
    if (kind == '#') return skip_comment(tag + (sign == '-' || sign == '+' ? 3 : 2)), false;
    if (kind == '%' && raw_tag(tag, "raw", after)) {
        const size_t body = after_tag_end(after, "%}", false);
        if (body != std::string_view::npos) {
            line_start_ = source_[body - 1] == '\n';
            out.text = raw_body(body);
            return !out.text.empty();
        }
    }
    out.kind = kind == '%' ? TokenKind::block_begin : TokenKind::print_begin;
    out.line = line_;
    open_tag(tag);
    return true;
}

bool Lexer::tag_end(Token &out) {
    if (!open_.empty()) return false;
    const bool block = mode_ == Mode::block;
    const size_t after = after_tag_end(at_, block ? "%}" : "}}", block);
    if (after == std::string_view::npos) return false;
    out = Token{block ? TokenKind::block_end : TokenKind::print_end, line_, block ? "%}" : "}}"};
    advance(after);
    line_start_ = source_[after - 1] == '\n';
    mode_ = Mode::data;
    return true;
}

Token Lexer::next() {
    Token out;
    while (mode_ == Mode::data) {
        if (at_ >= source_.size()) return Token{TokenKind::end, line_, "end of template"};
        if (next_data(out)) return out;
    }
    advance(skip_spaces(at_));
    if (at_ >= source_.size()) return Token{TokenKind::end, line_, "end of template"};
    return tag_end(out) ? out : in_tag();
}

Token Lexer::in_tag() {
    const char c = source_[at_];
    if (digit(c)) return number();
    if (name_start(c)) return name();
    return c == '"' || c == '\'' ? literal() : symbol();
}

Token Lexer::name() {
    size_t end = at_;
    while (end < source_.size() && name_part(source_[end])) ++end;
    Token out{TokenKind::name, line_, std::string(source_.substr(at_, end - at_))};
    advance(end);
    return out;
}

Token Lexer::number() {
    const auto digits = [&](size_t at, auto &&is) {
        while (at < source_.size() && (is(source_[at]) || (source_[at] == '_' && at + 1 < source_.size() && is(source_[at + 1])))) ++at;
        return at;
    };
    const auto has_digit = [&](size_t at) { return at < source_.size() && digit(source_[at]); };
    int base = 10;
    size_t begin = at_, end = 0;
    bool real = false;
    const char second = at_ + 1 < source_.size() ? static_cast<char>(source_[at_ + 1] | 0x20) : '\0';
    if (source_[at_] == '0' && (second == 'x' || second == 'o' || second == 'b')) {
        base = second == 'x' ? 16 : second == 'o' ? 8 : 2;
        begin += 2;
        end = digits(begin, [&](char c) { return digit(c) || (base == 16 && (c | 0x20) >= 'a' && (c | 0x20) <= 'f'); });
    } else {
        end = digits(begin, digit);
        const bool after_dot = at_ > 0 && source_[at_ - 1] == '.';
        if (!after_dot && end < source_.size() && source_[end] == '.' && has_digit(end + 1)) real = true, end = digits(end + 1, digit);
        if (!after_dot && end < source_.size() && (source_[end] | 0x20) == 'e') {
            const bool sign = end + 1 < source_.size() && (source_[end + 1] == '-' || source_[end + 1] == '+');
            if (has_digit(end + 1 + sign)) real = true, end = digits(end + 1 + sign, digit);
        }
    }
    std::string text(source_.substr(begin, end - begin));
    std::erase(text, '_');
    Token out{real ? TokenKind::real : TokenKind::integer, line_, text};
    const char *last = text.data() + text.size();
    const auto result = real ? std::from_chars(text.data(), last, out.real) : std::from_chars(text.data(), last, out.integer, base);
    if (real && result.ec == std::errc::result_out_of_range) out.real = text.find('-') == std::string::npos ? HUGE_VAL : 0.0;
    else if (result.ec != std::errc() || result.ptr != last) fail(fmt::format("the number {} is too large or malformed", printable(text, 40)));
    advance(end);
    return out;
}

namespace {

// The escape sequence that stands behind a backslash at `at`, as Python's "unicode-escape"
// has it; an unknown one keeps its backslash. False where its digits are wrong.
bool append_escape(std::string &out, std::string_view text, size_t &at) {
    static constexpr std::string_view plain = "abfnrtv\\'\"", meaning = "\a\b\f\n\r\t\v\\'\"";
    const char c = text[at++];
    if (c == '\n') return true;
    if (const size_t i = plain.find(c); i != std::string_view::npos) return out += meaning[i], true;
    size_t most = 0;
    int base = 16;
    if (c >= '0' && c <= '7') most = 3, base = 8, --at;
    else most = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
    if (most == 0) return out += '\\', out += c, true;
    const std::string_view digits = text.substr(at, most);
    uint32_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, base);
    const size_t used = static_cast<size_t>(end - digits.data());
    if (error != std::errc() || (base == 16 && used != most) || value > 0x10FFFF) return false;
    at += used;
    utf8_append(out, value);
    return true;
}

} // namespace

Token Lexer::literal() {
    const char quote = source_[at_];
    Token out{TokenKind::text, line_, {}};
    size_t at = at_ + 1;
    while (at < source_.size() && source_[at] != quote) {
        if (source_[at] != '\\') {
            out.text += source_[at++];
            continue;
        }
        if (++at >= source_.size()) break;
        if (!append_escape(out.text, source_, at)) fail("a string has a malformed escape sequence");
    }
    if (at >= source_.size()) fail("expected the end of a string");
    advance(at + 1);
    return out;
}

Token Lexer::symbol() {
    static constexpr std::string_view symbols[] = {"//", "**", "==", "!=", ">=", "<=", "+", "-", "/", "*", "%", "~", "[", "]",
                                                   "(",  ")",  "{",  "}",  ">",  "<",  "=", ".", ":", "|", ",", ";"};
    for (const std::string_view symbol : symbols) {
        if (!source_.substr(at_).starts_with(symbol)) continue;
        const char c = symbol[0];
        if (c == '(' || c == '[' || c == '{') open_ += c == '(' ? ')' : c == '[' ? ']' : '}';
        if (c == ')' || c == ']' || c == '}') {
            if (open_.empty()) fail(fmt::format("unexpected '{}'", c));
            if (open_.back() != c) fail(fmt::format("unexpected '{}', expected '{}'", c, open_.back()));
            open_.pop_back();
        }
        Token out{TokenKind::symbol, line_, std::string(symbol)};
        advance(at_ + symbol.size());
        return out;
    }
    fail(fmt::format("unexpected character '{}'", printable(source_.substr(at_, unicode::glyph_bytes(source_, at_)))));
}

} // namespace quant::jinja
