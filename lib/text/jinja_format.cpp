#include "text/jinja_format.h"

#include "base/utf8.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace quant::jinja {

namespace {

constexpr size_t max_width = 100'000; // of one field; also bounds the digits asked for

// One field's layout: what both ways to write it come down to.
struct Field {
    std::string fill = " ";
    char align = '\0'; ///< <, >, ^, = or none given.
    char sign = '-';
    bool alternate = false;
    char grouping = '\0';
    size_t width = 0;
    int precision = -1;
    char type = '\0';
};

std::string pad(const Field &field, std::string body, size_t sign_bytes, char natural) {
    const size_t length = unicode::length(body);
    if (length >= field.width) return body;
    const size_t missing = field.width - length;
    const char align = field.align ? field.align : natural;
    const size_t before = align == '>' || align == '=' ? missing : align == '^' ? missing / 2 : 0;
    std::string left, right;
    for (size_t i = 0; i < missing; ++i) (i < before ? left : right) += field.fill;
    if (align == '=') return body.insert(sign_bytes, left);
    return left + body + right;
}

std::string group_digits(std::string digits, char with, size_t every) {
    for (size_t at = digits.size(); at > every; at -= every) digits.insert(at - every, 1, with);
    return digits;
}

std::string sign_text(const Field &field, bool negative) {
    return negative ? "-" : field.sign == '+' ? "+" : field.sign == ' ' ? " " : "";
}

std::string format_integer(Runtime &runtime, const Field &field, int64_t value) {
    const uint64_t magnitude = value < 0 ? 0 - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
    std::string digits, prefix;
    switch (field.type) {
    case 'x': digits = fmt::format("{:x}", magnitude), prefix = "0x"; break;
    case 'X': digits = fmt::format("{:X}", magnitude), prefix = "0X"; break;
    case 'o': digits = fmt::format("{:o}", magnitude), prefix = "0o"; break;
    case 'b': digits = fmt::format("{:b}", magnitude), prefix = "0b"; break;
    case 'c': {
        if (value < 0 || value > 0x10FFFF) runtime.fail("%c needs a code point");
        std::string out;
        utf8_append(out, static_cast<uint32_t>(value));
        return pad(field, std::move(out), 0, '<');
    }
    default: digits = fmt::format("{}", magnitude);
    }
    if (field.precision > static_cast<int>(digits.size()))
        digits.insert(0, static_cast<size_t>(field.precision) - digits.size(), '0');
    if (field.grouping) digits = group_digits(std::move(digits), field.grouping, field.type == 0 || field.type == 'd' || field.type == 'n' ? 3 : 4);
    const std::string head = sign_text(field, value < 0) + (field.alternate ? prefix : "");
    return pad(field, head + digits, head.size(), '>');
}

// The digits of a number that is not negative, as C's printf has them.
std::string real_digits(const Field &field, double value) {
    const int precision = field.precision < 0 ? 6 : field.precision;
    switch (field.type) {
    case 'e': return fmt::format("{:.{}e}", value, precision);
    case 'E': return fmt::format("{:.{}E}", value, precision);
    case 'f': return fmt::format("{:.{}f}", value, precision);
    case 'F': return fmt::format("{:.{}F}", value, precision);
    case '%': return fmt::format("{:.{}f}%", value * 100, precision);
    case 'g': return fmt::format("{:.{}g}", value, std::max(precision, 1));
    case 'G': return fmt::format("{:.{}G}", value, std::max(precision, 1));
    default: break;
    }
    if (field.precision < 0) return real_repr(value);
    std::string out = fmt::format("{:.{}g}", value, std::max(precision, 1));
    return out.find_first_of(".en") == std::string::npos ? out + ".0" : out;
}

std::string format_real(const Field &field, double value) {
    std::string digits = real_digits(field, std::fabs(value));
    if (field.grouping) {
        const size_t whole = std::min(digits.find_first_not_of("0123456789"), digits.size());
        digits = group_digits(digits.substr(0, whole), field.grouping, 3) + digits.substr(whole);
    }
    const std::string head = sign_text(field, std::signbit(value));
    return pad(field, head + digits, head.size(), '>');
}

std::string format_text(const Field &field, std::string_view text) {
    if (field.precision >= 0) {
        const std::vector<size_t> offsets = unicode::offsets(text);
        text = text.substr(0, offsets[std::min(static_cast<size_t>(field.precision), offsets.size() - 1)]);
    }
    return pad(field, std::string(text), 0, '<');
}

// Digits at `at` as a number, which is limited; 0 where there are none.
size_t read_size(Runtime &runtime, std::string_view text, size_t &at) {
    size_t out = 0;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9'; ++at) {
        out = out * 10 + static_cast<size_t>(text[at] - '0');
        if (out > max_width) runtime.fail("a format's width or precision is over {}", max_width);
    }
    return out;
}

int64_t whole(Runtime &runtime, const Value &value, char type) {
    if (value.is_integral()) return value.as_integer();
    if (value.is(Kind::real) && std::fabs(value.as_real()) < 9e18) return static_cast<int64_t>(value.as_real());
    if (value.is_undefined()) fail_undefined(runtime, value);
    runtime.fail("%{} format: a number is required, not {}", type, type_name(value));
}

double real_of(Runtime &runtime, const Value &value) {
    if (value.is_undefined()) fail_undefined(runtime, value);
    if (!value.is_number()) runtime.fail("must be real number, not {}", type_name(value));
    return value.as_real();
}

// The % operator.
class PercentFormat {
public:
    PercentFormat(Runtime &runtime, const Value &format, const Value &arguments)
        : runtime_(runtime), format_(format.text()), arguments_(arguments) {}

    std::string run() {
        while (at_ < format_.size()) {
            const size_t percent = std::min(format_.find('%', at_), format_.size());
            out_ += format_.substr(at_, percent - at_);
            at_ = percent;
            if (at_ < format_.size()) field();
            runtime_.work(16);
            runtime_.check_text(out_.size());
        }
        // Python takes dicts and lists for mappings, of which nothing need be used.
        const bool mapping = arguments_.is(Kind::dict) || arguments_.is(Kind::list);
        const bool all_used = arguments_.is(Kind::tuple) ? used_ >= arguments_.items().size() : used_ > 0 || mapping;
        if (!all_used) runtime_.fail("not all arguments converted during string formatting");
        return std::move(out_);
    }

private:
    const Value &next() {
        if (!arguments_.is(Kind::tuple)) {
            if (used_++ > 0) runtime_.fail("not enough arguments for format string");
            return arguments_;
        }
        if (used_ >= arguments_.items().size()) runtime_.fail("not enough arguments for format string");
        return arguments_.items()[used_++];
    }

    const Value &key() {
        const size_t end = format_.find(')', at_);
        if (end == std::string::npos) runtime_.fail("incomplete format key");
        if (!arguments_.is(Kind::dict)) runtime_.fail("format requires a mapping");
        const std::string_view name = format_.substr(at_ + 1, end - at_ - 1);
        const Value *found = arguments_.as<Dict>().find(name);
        if (!found) runtime_.fail("the mapping has no key '{}'", printable(name, 60));
        at_ = end + 1;
        return *found;
    }

    void flags(Field &field) {
        for (; at_ < format_.size(); ++at_) {
            switch (format_[at_]) {
            case '-': field.align = '<'; break;
            case '+': field.sign = '+'; break;
            case ' ': field.sign = field.sign == '+' ? '+' : ' '; break;
            case '#': field.alternate = true; break;
            case '0': field.fill = '0'; break;
            default: return;
            }
        }
    }

    size_t size_or_star() {
        if (at_ < format_.size() && format_[at_] == '*') {
            ++at_;
            const int64_t n = whole(runtime_, next(), '*');
            if (n < 0 || n > static_cast<int64_t>(max_width)) runtime_.fail("a format's width or precision is over {}", max_width);
            return static_cast<size_t>(n);
        }
        return read_size(runtime_, format_, at_);
    }

    void field() {
        ++at_;
        const Value *value = at_ < format_.size() && format_[at_] == '(' ? &key() : nullptr;
        Field field;
        flags(field);
        field.width = size_or_star();
        if (at_ < format_.size() && format_[at_] == '.') ++at_, field.precision = static_cast<int>(size_or_star());
        while (at_ < format_.size() && std::string_view("hlL").find(format_[at_]) != std::string_view::npos) ++at_;
        if (at_ >= format_.size()) runtime_.fail("incomplete format");
        field.type = format_[at_++];
        if (field.type == '%') return void(out_ += '%');
        if (!value) value = &next();
        if (field.align != '<' && field.fill == "0") field.align = '=';
        else if (field.align == '<') field.fill = ' ';
        out_ += one(field, *value);
    }

    std::string one(Field &field, const Value &value) {
        switch (field.type) {
        case 's':
        case 'r':
        case 'a':
            if (field.align != '<') field.align = '>';
            field.fill = ' ';
            return format_text(field, field.type == 's' ? str(runtime_, value) : repr(runtime_, value));
        case 'c':
            if (value.is_text()) return format_text(field, value.text());
            [[fallthrough]];
        case 'd':
        case 'i':
        case 'u':
        case 'x':
        case 'X':
        case 'o': return format_integer(runtime_, field, whole(runtime_, value, field.type));
        case 'e':
        case 'E':
        case 'f':
        case 'F':
        case 'g':
        case 'G': return format_real(field, real_of(runtime_, value));
        default: runtime_.fail("unsupported format character '{}'", printable(std::string(1, field.type)));
        }
    }

    Runtime &runtime_;
    std::string_view format_;
    const Value &arguments_;
    std::string out_;
    size_t at_ = 0, used_ = 0;
};

// What stands behind the colon of a {} field.
Field parse_spec(Runtime &runtime, std::string_view spec) {
    Field field;
    size_t at = 0;
    const auto is_align = [&](size_t i) { return i < spec.size() && std::string_view("<>^=").find(spec[i]) != std::string_view::npos; };
    const size_t first = spec.empty() ? 0 : unicode::glyph_bytes(spec, 0);
    if (!spec.empty() && is_align(first)) field.fill = spec.substr(0, first), field.align = spec[first], at = first + 1;
    else if (is_align(0)) field.align = spec[0], at = 1;
    const auto skip = [&](char c) { return at < spec.size() && spec[at] == c && (++at, true); };
    for (const char sign : {'+', '-', ' '})
        if (skip(sign)) { field.sign = sign; break; }
    field.alternate = skip('#');
    if (at < spec.size() && spec[at] == '0' && !field.align) field.fill = '0', field.align = '=';
    field.width = read_size(runtime, spec, at);
    if (skip(',')) field.grouping = ',';
    else if (skip('_')) field.grouping = '_';
    if (skip('.')) field.precision = static_cast<int>(read_size(runtime, spec, at));
    if (at < spec.size()) field.type = spec[at++];
    if (at < spec.size()) runtime.fail("invalid format specifier '{}'", printable(spec, 60));
    return field;
}

std::string format_by_spec(Runtime &runtime, const Value &value, std::string_view spec) {
    if (spec.empty()) return str(runtime, value);
    const Field field = parse_spec(runtime, spec);
    const std::string_view integers = "dxXobcn", reals = "eEfFgG%";
    const bool plain = field.type == '\0';
    if (value.is_integral() && (plain || integers.find(field.type) != std::string_view::npos))
        return format_integer(runtime, field, value.as_integer());
    if (value.is_number() && (plain || reals.find(field.type) != std::string_view::npos)) return format_real(field, value.as_real());
    if (value.is_text() && (plain || field.type == 's')) return format_text(field, value.text());
    runtime.fail("format '{}' does not fit a value of type {}", printable(spec, 60), type_name(value));
}

// str.format().
class BraceFormat {
public:
    BraceFormat(Runtime &runtime, const Values &positional, const NamedValues &named)
        : runtime_(runtime), positional_(positional), named_(named) {}

    std::string run(std::string_view format, int level = 0) {
        if (level > 1) runtime_.fail("a format's fields are nested too deeply");
        std::string out;
        for (size_t at = 0; at < format.size();) {
            const char c = format[at];
            if (c != '{' && c != '}') {
                const size_t end = std::min(format.find_first_of("{}", at), format.size());
                out += format.substr(at, end - at);
                at = end;
            } else if (at + 1 < format.size() && format[at + 1] == c) {
                out += c;
                at += 2;
            } else if (c == '}') {
                runtime_.fail("single '}}' encountered in format string");
            } else {
                out += field(format, at, level);
            }
            runtime_.work(16);
            runtime_.check_text(out.size());
        }
        return out;
    }

private:
    // The field that begins at `at`, which moves behind it.
    std::string field(std::string_view format, size_t &at, int level) {
        size_t end = at + 1;
        for (int open = 1; end < format.size(); ++end) {
            open += format[end] == '{' ? 1 : format[end] == '}' ? -1 : 0;
            if (open == 0) break;
        }
        if (end >= format.size()) runtime_.fail("expected '}}' before the end of the format string");
        std::string_view inner = format.substr(at + 1, end - at - 1), spec;
        at = end + 1;
        if (const size_t colon = inner.find(':'); colon != std::string_view::npos) {
            spec = inner.substr(colon + 1);
            inner = inner.substr(0, colon);
        }
        char conversion = 0;
        if (const size_t mark = inner.rfind('!'); mark != std::string_view::npos && mark + 2 == inner.size()) {
            conversion = inner.back();
            inner = inner.substr(0, mark);
        }
        Value value = lookup(inner);
        if (conversion == 'r') value = runtime_.text(repr(runtime_, value));
        else if (conversion == 's') value = runtime_.text(str(runtime_, value));
        else if (conversion) runtime_.fail("unknown conversion '{}' in a format string", printable(std::string(1, conversion)));
        return format_by_spec(runtime_, value, run(spec, level + 1));
    }

    Value argument(std::string_view name) {
        size_t index = 0;
        const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), index);
        const bool number = error == std::errc() && end == name.data() + name.size();
        if (name.empty()) index = automatic_++;
        if (name.empty() || number) {
            if (index >= positional_.size()) runtime_.fail("replacement index {} out of range for positional arguments", index);
            return positional_[index];
        }
        for (const auto &[have, value] : named_)
            if (have == name) return value;
        runtime_.fail("the format string's field '{}' is not among the arguments", printable(name, 60));
    }

    // name.attribute[key]...
    Value lookup(std::string_view path) {
        const size_t first = std::min(path.find_first_of(".["), path.size());
        Value value = argument(path.substr(0, first));
        for (size_t at = first; at < path.size();) {
            const bool bracket = path[at++] == '[';
            const size_t end = std::min(bracket ? path.find(']', at) : path.find_first_of(".[", at), path.size());
            const std::string name(path.substr(at, end - at));
            at = end + bracket;
            int64_t index = 0;
            const auto [last, error] = std::from_chars(name.data(), name.data() + name.size(), index);
            const bool number = bracket && error == std::errc() && last == name.data() + name.size();
            if (!bracket) value = get_attribute(runtime_, value, name);
            else value = get_item(runtime_, value, number ? Value::integer(index) : runtime_.text(name));
        }
        return value;
    }

    Runtime &runtime_;
    const Values &positional_;
    const NamedValues &named_;
    size_t automatic_ = 0;
};

// Markup escapes what is put into it.
Value escaped(Runtime &runtime, const Value &value) {
    return value.is_text() && !value.is_markup() ? runtime.text(escape_html(value.text()), true) : value;
}

} // namespace

Value percent_format(Runtime &runtime, const Value &format, const Value &arguments) {
    if (!format.is_markup()) return runtime.text(PercentFormat(runtime, format, arguments).run());
    if (!arguments.is(Kind::tuple)) return runtime.text(PercentFormat(runtime, format, escaped(runtime, arguments)).run(), true);
    Values safe;
    for (const Value &argument : arguments.items()) safe.push_back(escaped(runtime, argument));
    return runtime.text(PercentFormat(runtime, format, runtime.tuple(std::move(safe))).run(), true);
}

Value brace_format(Runtime &runtime, const Value &format, const Values &positional, const NamedValues &named) {
    if (!format.is_markup()) return runtime.text(BraceFormat(runtime, positional, named).run(format.text()));
    Values safe;
    for (const Value &argument : positional) safe.push_back(escaped(runtime, argument));
    NamedValues safe_named;
    for (const auto &[name, argument] : named) safe_named.emplace_back(name, escaped(runtime, argument));
    return runtime.text(BraceFormat(runtime, safe, safe_named).run(format.text()), true);
}

} // namespace quant::jinja
