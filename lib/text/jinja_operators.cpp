#include "text/jinja_operators.h"

#include "base/checked.h"
#include "text/jinja_format.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <cmath>

namespace quant::jinja {

namespace {

constexpr std::string_view arithmetic_signs[] = {"+", "-", "*", "/", "//", "%", "**"};

[[noreturn]] void fail_operands(Runtime &runtime, Arithmetic op, const Value &a, const Value &b) {
    const std::string_view sign = arithmetic_signs[static_cast<size_t>(op)];
    if (op == Arithmetic::add && a.is_text()) runtime.fail("can only concatenate str (not \"{}\") to str", type_name(b));
    runtime.fail("unsupported operand types for {}: '{}' and '{}'", sign, type_name(a), type_name(b));
}

[[noreturn]] void fail_overflow(Runtime &runtime) { runtime.fail("the result of a calculation is too large"); }

int64_t require(Runtime &runtime, std::optional<int64_t> result) { return result ? *result : (fail_overflow(runtime), 0); }

// Python rounds quotients down, and a remainder has the sign of its divisor.
Value divide_integers(Runtime &runtime, Arithmetic op, int64_t a, int64_t b) {
    if (b == 0) runtime.fail("division by zero");
    if (b == -1) return Value::integer(op == Arithmetic::modulo ? 0 : require(runtime, checked_mul<int64_t>(a, -1)));
    const int64_t quotient = a / b, rest = a % b;
    const bool down = rest != 0 && (rest < 0) != (b < 0);
    return Value::integer(op == Arithmetic::modulo ? (down ? rest + b : rest) : (down ? quotient - 1 : quotient));
}

Value power_integers(Runtime &runtime, int64_t base, int64_t exponent) {
    if (exponent < 0) {
        if (base == 0) runtime.fail("0.0 cannot be raised to a negative power");
        return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
    }
    int64_t out = 1;
    for (; exponent > 0; exponent >>= 1) {
        if (exponent & 1) out = require(runtime, checked_mul(out, base));
        if (exponent > 1 && base != 0 && base != 1 && base != -1) base = require(runtime, checked_mul(base, base));
    }
    return Value::integer(out);
}

Value integer_arithmetic(Runtime &runtime, Arithmetic op, int64_t a, int64_t b) {
    switch (op) {
    case Arithmetic::add: return Value::integer(require(runtime, checked_add(a, b)));
    case Arithmetic::subtract: {
        int64_t out = 0;
        if (__builtin_sub_overflow(a, b, &out)) fail_overflow(runtime);
        return Value::integer(out);
    }
    case Arithmetic::multiply: return Value::integer(require(runtime, checked_mul(a, b)));
    case Arithmetic::divide:
        if (b == 0) runtime.fail("division by zero");
        return Value::real(static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b)));
    case Arithmetic::power: return power_integers(runtime, a, b);
    default: return divide_integers(runtime, op, a, b);
    }
}

Value real_arithmetic(Runtime &runtime, Arithmetic op, double a, double b) {
    const bool divides = op == Arithmetic::divide || op == Arithmetic::floor_divide || op == Arithmetic::modulo;
    if (divides && b == 0) runtime.fail("division by zero");
    switch (op) {
    case Arithmetic::add: return Value::real(a + b);
    case Arithmetic::subtract: return Value::real(a - b);
    case Arithmetic::multiply: return Value::real(a * b);
    case Arithmetic::divide: return Value::real(a / b);
    case Arithmetic::power: {
        if (a == 0 && b < 0) runtime.fail("0.0 cannot be raised to a negative power");
        if (a < 0 && b != std::floor(b)) runtime.fail("a negative number cannot be raised to a fraction");
        const double out = std::pow(a, b);
        if (std::isinf(out) && std::isfinite(a) && std::isfinite(b)) fail_overflow(runtime);
        return Value::real(out);
    }
    default: break;
    }
    double rest = std::fmod(a, b);
    if (rest != 0 && (rest < 0) != (b < 0)) rest += b;
    if (op == Arithmetic::modulo) return Value::real(rest == 0 ? std::copysign(0.0, b) : rest);
    return Value::real(std::floor((a - rest) / b + 0.5)); // the quotient is whole but for rounding
}

Value add_texts(Runtime &runtime, const Value &a, const Value &b) {
    runtime.check_text(a.text().size() + b.text().size());
    const bool markup = a.is_markup() || b.is_markup();
    const auto part = [&](const Value &v) { return markup && !v.is_markup() ? escape_html(v.text()) : v.text(); };
    return runtime.text(part(a) + part(b), markup);
}

Value join_sequences(Runtime &runtime, const Value &a, const Value &b) {
    Values items = a.items();
    items.insert(items.end(), b.items().begin(), b.items().end());
    return a.is(Kind::list) ? runtime.list(std::move(items)) : runtime.tuple(std::move(items));
}

// A text, list or tuple `times` over; what it will need is checked before it is built.
Value repeat(Runtime &runtime, const Value &value, int64_t times) {
    const uint64_t n = times > 0 ? static_cast<uint64_t>(times) : 0;
    const uint64_t unit = value.is_text() ? value.text().size() : value.items().size() * sizeof(Value);
    const uint64_t bytes = checked_mul(n, unit).value_or(UINT64_MAX);
    runtime.check_text(bytes);
    runtime.work(bytes);
    if (value.is_text()) {
        std::string out;
        out.reserve(bytes);
        for (uint64_t i = 0; unit > 0 && i < n; ++i) out += value.text();
        return runtime.text(std::move(out), value.is_markup());
    }
    Values out;
    for (uint64_t i = 0; unit > 0 && i < n; ++i) out.insert(out.end(), value.items().begin(), value.items().end());
    return value.is(Kind::list) ? runtime.list(std::move(out)) : runtime.tuple(std::move(out));
}

bool repeatable(const Value &v) { return v.is_text() || v.is_sequence(); }

} // namespace

Value arithmetic(Runtime &runtime, Arithmetic op, const Value &a, const Value &b) {
    if (a.is_number() && b.is_number()) {
        if (a.is_integral() && b.is_integral()) return integer_arithmetic(runtime, op, a.as_integer(), b.as_integer());
        return real_arithmetic(runtime, op, a.as_real(), b.as_real());
    }
    if (op == Arithmetic::modulo && a.is_text()) return percent_format(runtime, a, b);
    if (a.is_undefined()) fail_undefined(runtime, a);
    if (b.is_undefined()) fail_undefined(runtime, b);
    if (op == Arithmetic::add) {
        if (a.is_text() && b.is_text()) return add_texts(runtime, a, b);
        if (a.is_sequence() && a.kind() == b.kind()) return join_sequences(runtime, a, b);
    }
    if (op == Arithmetic::multiply) {
        if (repeatable(a) && b.is_integral()) return repeat(runtime, a, b.as_integer());
        if (a.is_integral() && repeatable(b)) return repeat(runtime, b, a.as_integer());
    }
    fail_operands(runtime, op, a, b);
}

Value negate(Runtime &runtime, const Value &value, bool negative) {
    if (value.is_undefined()) fail_undefined(runtime, value);
    if (!value.is_number()) runtime.fail("bad operand type for unary {}: '{}'", negative ? '-' : '+', type_name(value));
    if (value.is(Kind::real)) return Value::real(negative ? -value.as_real() : value.as_real());
    return Value::integer(negative ? require(runtime, checked_mul<int64_t>(value.as_integer(), -1)) : value.as_integer());
}

bool compare(Runtime &runtime, Comparison op, const Value &a, const Value &b) {
    const auto has_nan = [&] { return (a.is(Kind::real) && std::isnan(a.as_real())) || (b.is(Kind::real) && std::isnan(b.as_real())); };
    switch (op) {
    case Comparison::equal: return equal(runtime, a, b);
    case Comparison::not_equal: return !equal(runtime, a, b);
    case Comparison::less: return order(runtime, a, b, "<") < 0 && !has_nan();
    case Comparison::less_equal: return order(runtime, a, b, "<=") <= 0 && !has_nan();
    case Comparison::greater: return order(runtime, a, b, ">") > 0 && !has_nan();
    case Comparison::greater_equal: return order(runtime, a, b, ">=") >= 0 && !has_nan();
    case Comparison::in: return contains(runtime, b, a);
    case Comparison::not_in: return !contains(runtime, b, a);
    }
    return false;
}

bool contains(Runtime &runtime, const Value &container, const Value &item) {
    if (container.is_text()) {
        if (!item.is_text()) runtime.fail("'in <string>' requires string as left operand, not {}", type_name(item));
        runtime.work(container.text().size());
        return unicode::find(container.text(), item.text()) != std::string::npos;
    }
    if (container.is(Kind::dict)) {
        require_hashable(runtime, item);
        return container.as<Dict>().find(item) != nullptr;
    }
    if (!is_iterable(container)) runtime.fail("argument of type '{}' is not iterable", type_name(container));
    const Items items(runtime, container);
    return std::any_of(items.begin(), items.end(), [&](const Value &have) { return equal(runtime, have, item); });
}

std::string escape_html(std::string_view text) {
    std::string out;
    for (const char c : text) {
        switch (c) {
        case '&': out += "&amp;"; break;
        case '<': out += "&lt;"; break;
        case '>': out += "&gt;"; break;
        case '"': out += "&#34;"; break;
        case '\'': out += "&#39;"; break;
        default: out += c;
        }
    }
    return out;
}

} // namespace quant::jinja
