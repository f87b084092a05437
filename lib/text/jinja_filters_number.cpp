// Filters that make or take numbers.
#include "text/jinja_native.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include "base/checked.h"

#include <charconv>
#include <cmath>

namespace quant::jinja {

namespace {

// Digits as int() and float() read them: spaces around, underscores between, a sign.
std::string number_text(std::string_view text) {
    std::string out(unicode::strip(text, unicode::Side::both));
    for (size_t at = out.find('_'); at != std::string::npos; at = out.find('_', at)) {
        const bool between = at > 0 && at + 1 < out.size() && std::isalnum(static_cast<unsigned char>(out[at - 1])) &&
                             std::isalnum(static_cast<unsigned char>(out[at + 1]));
        if (!between) return "_";
        out.erase(at, 1);
    }
    if (out.size() > 1 && out[0] == '+' && out[1] != '-') out.erase(0, 1);
    return out;
}

std::optional<int64_t> parse_integer(std::string_view text, int64_t base) {
    std::string digits = number_text(text);
    const bool negative = digits.starts_with('-');
    if (negative) digits.erase(0, 1);
    const char mark = digits.size() > 2 && digits[0] == '0' ? static_cast<char>(digits[1] | 0x20) : '\0';
    const int64_t marked = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (marked && (base == marked || base == 0)) digits.erase(0, 2), base = marked;
    if (base == 0) base = 10;
    if (base < 2 || base > 36 || digits.empty() || digits[0] == '-') return std::nullopt;
    uint64_t magnitude = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), magnitude, static_cast<int>(base));
    if (error != std::errc() || end != digits.data() + digits.size() || magnitude > INT64_MAX) return std::nullopt;
    return negative ? -static_cast<int64_t>(magnitude) : static_cast<int64_t>(magnitude);
}

std::optional<double> parse_real(std::string_view text) {
    const std::string digits = number_text(text);
    if (digits.find_first_of("xXpP(") != std::string::npos) return std::nullopt; // hexadecimal, nan(...)
    double out = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), out);
    if (digits.empty() || end != digits.data() + digits.size()) return std::nullopt;
    if (error == std::errc::result_out_of_range) return digits.find("e-") != std::string::npos || digits.find("E-") != std::string::npos ? 0.0 : HUGE_VAL;
    return error == std::errc() ? std::optional(out) : std::nullopt;
}

std::optional<int64_t> truncated(double d) {
    if (!(std::fabs(d) < 9.2e18)) return std::nullopt;
    return static_cast<int64_t>(d);
}

Value to_integer(Runtime &runtime, Bound &a) {
    const Value &value = a[0];
    if (value.is_undefined()) fail_undefined(runtime, value);
    std::optional<int64_t> out;
    if (value.is_integral()) {
        out = value.as_integer();
    } else if (value.is(Kind::real)) {
        out = truncated(value.as_real());
    } else if (value.is_text()) {
        runtime.work(value.text().size());
        out = parse_integer(value.text(), a.integer(2, 10));
        if (!out)
            if (const auto real = parse_real(value.text())) out = truncated(*real);
    }
    return out ? Value::integer(*out) : a.has(1) ? a[1] : Value::integer(0);
}

Value to_real(Runtime &runtime, Bound &a) {
    const Value &value = a[0];
    if (value.is_undefined()) fail_undefined(runtime, value);
    if (value.is_number()) return Value::real(value.as_real());
    if (value.is_text()) {
        runtime.work(value.text().size());
        if (const auto real = parse_real(value.text())) return Value::real(*real);
    }
    return a.has(1) ? a[1] : Value::real(0);
}

Value absolute(Runtime &runtime, Bound &a) {
    if (a[0].is_undefined()) fail_undefined(runtime, a[0]);
    if (!a[0].is_number()) runtime.fail("bad operand type for abs(): '{}'", type_name(a[0]));
    if (a[0].is(Kind::real)) return Value::real(std::fabs(a[0].as_real()));
    return a[0].as_integer() < 0 ? negate(runtime, a[0], true) : Value::integer(a[0].as_integer());
}

// To `digits` decimals, halves to even, by way of the correctly rounded decimal text.
double round_half_even(double value, int64_t digits) {
    if (!std::isfinite(value) || digits > 300) return value;
    if (digits < 0) {
        const double scale = std::pow(10.0, static_cast<double>(std::min<int64_t>(-digits, 308)));
        return std::nearbyint(value / scale) * scale;
    }
    const std::string text = fmt::format("{:.{}f}", value, digits);
    double out = 0;
    std::from_chars(text.data(), text.data() + text.size(), out);
    return out;
}

int64_t round_integer(Runtime &runtime, int64_t value, int64_t digits) {
    if (digits < -18) return 0;
    int64_t scale = 1;
    for (; digits < 0; ++digits) scale *= 10;
    int64_t rest = value % scale, down = value - rest;
    if (rest < 0) rest += scale, down -= scale;
    const bool up = rest > scale - rest || (rest == scale - rest && (down / scale) % 2 != 0);
    const auto out = checked_add(down, up ? scale : 0);
    if (!out) runtime.fail("the result of a calculation is too large");
    return *out;
}

Value round(Runtime &runtime, Bound &a) {
    const int64_t precision = a.integer(1, 0);
    const std::string method = a.has(2) ? a.text(2) : "common";
    if (a[0].is_undefined()) fail_undefined(runtime, a[0]);
    if (!a[0].is_number()) runtime.fail("round expected a number, not {}", type_name(a[0]));
    if (method == "common") {
        if (a[0].is_integral()) return Value::integer(round_integer(runtime, a[0].as_integer(), precision));
        return Value::real(round_half_even(a[0].as_real(), precision));
    }
    if (method != "ceil" && method != "floor") runtime.fail("round: the method must be common, ceil or floor");
    const double scale = std::pow(10.0, static_cast<double>(precision));
    const double scaled = a[0].as_real() * scale;
    return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr Native number_filters[] = {
    {"int", "value default? base?", &to_integer},
    {"float", "value default?", &to_real},
    {"abs", "value", &absolute},
    {"round", "value precision? method?", &round},
};

} // namespace

const Native *find_number_filter(std::string_view name) { return find_in(number_filters, name); }

} // namespace quant::jinja
