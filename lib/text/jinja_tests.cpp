// What stands behind "is". defined and undefined look at a value without using it.
#include "text/jinja_native.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

namespace quant::jinja {

namespace {

template <Kind... kinds>
Value is_kind(Runtime &, Bound &a) { return Value::boolean(((a[0].kind() == kinds) || ...)); }

template <bool wanted>
Value is_boolean_value(Runtime &, Bound &a) { return Value::boolean(a[0].is(Kind::boolean) && a[0].as_boolean() == wanted); }

Value is_defined(Runtime &, Bound &a) { return Value::boolean(!a[0].is_undefined()); }
Value is_callable(Runtime &, Bound &a) { return Value::boolean(a[0].is(Kind::callable) || a[0].is(Kind::joiner) || a[0].is(Kind::loop)); }
Value is_iterable_value(Runtime &, Bound &a) { return Value::boolean(is_iterable(a[0])); }
Value is_escaped(Runtime &, Bound &a) { return Value::boolean(a[0].is_markup()); }

Value is_sequence(Runtime &, Bound &a) {
    return Value::boolean(a[0].is_undefined() || a[0].is_text() || a[0].is_sequence() || a[0].is(Kind::dict) || a[0].is(Kind::range));
}

template <Comparison comparison>
Value compares(Runtime &runtime, Bound &a) { return Value::boolean(compare(runtime, comparison, a[0], a[1])); }

int64_t remainder(Runtime &runtime, const Value &value, int64_t by) {
    const Value rest = arithmetic(runtime, Arithmetic::modulo, value, Value::integer(by));
    return rest.is(Kind::real) ? (rest.as_real() == 0 ? 0 : rest.as_real() == 1 ? 1 : -1) : rest.is(Kind::integer) ? rest.as_integer() : -1;
}

Value is_odd(Runtime &runtime, Bound &a) { return Value::boolean(remainder(runtime, a[0], 2) == 1); }
Value is_even(Runtime &runtime, Bound &a) { return Value::boolean(remainder(runtime, a[0], 2) == 0); }
Value is_divisible(Runtime &runtime, Bound &a) { return Value::boolean(remainder(runtime, a[0], a.integer(1, 1)) == 0); }

template <bool upper>
Value is_cased_text(Runtime &runtime, Bound &a) { return Value::boolean(is_cased(runtime, str(runtime, a[0]), upper)); }

Value is_same(Runtime &, Bound &a) {
    const Value &x = a[0], &y = a[1];
    if (x.kind() != y.kind() || x.object() != y.object()) return Value::boolean(false);
    return Value::boolean(x.is(Kind::real) ? x.as_real() == y.as_real() : x.object() || x.as_integer() == y.as_integer());
}

Value is_filter(Runtime &, Bound &a) { return Value::boolean(a[0].is_text() && find_filter(a[0].text())); }
Value is_test(Runtime &, Bound &a) { return Value::boolean(a[0].is_text() && find_test(a[0].text())); }

constexpr Native tests[] = {
    {"defined", "value", &is_defined},
    {"undefined", "value", &is_kind<Kind::undefined>},
    {"none", "value", &is_kind<Kind::none>},
    {"boolean", "value", &is_kind<Kind::boolean>},
    {"true", "value", &is_boolean_value<true>},
    {"false", "value", &is_boolean_value<false>},
    {"integer", "value", &is_kind<Kind::integer>},
    {"float", "value", &is_kind<Kind::real>},
    {"number", "value", &is_kind<Kind::boolean, Kind::integer, Kind::real>},
    {"string", "value", &is_kind<Kind::text>},
    {"mapping", "value", &is_kind<Kind::dict>},
    {"sequence", "value", &is_sequence},
    {"iterable", "value", &is_iterable_value},
    {"callable", "value", &is_callable},
    {"escaped", "value", &is_escaped},
    {"odd", "value", &is_odd},
    {"even", "value", &is_even},
    {"divisibleby", "value num", &is_divisible},
    {"upper", "value", &is_cased_text<true>},
    {"lower", "value", &is_cased_text<false>},
    {"sameas", "value other", &is_same},
    {"filter", "value", &is_filter},
    {"test", "value", &is_test},
    {"in", "value seq", &compares<Comparison::in>},
    {"==", "value other", &compares<Comparison::equal>},
    {"eq", "value other", &compares<Comparison::equal>},
    {"equalto", "value other", &compares<Comparison::equal>},
    {"!=", "value other", &compares<Comparison::not_equal>},
    {"ne", "value other", &compares<Comparison::not_equal>},
    {"<", "value other", &compares<Comparison::less>},
    {"lt", "value other", &compares<Comparison::less>},
    {"lessthan", "value other", &compares<Comparison::less>},
    {"<=", "value other", &compares<Comparison::less_equal>},
    {"le", "value other", &compares<Comparison::less_equal>},
    {">", "value other", &compares<Comparison::greater>},
    {"gt", "value other", &compares<Comparison::greater>},
    {"greaterthan", "value other", &compares<Comparison::greater>},
    {">=", "value other", &compares<Comparison::greater_equal>},
    {"ge", "value other", &compares<Comparison::greater_equal>},
};

} // namespace

const Native *find_test(std::string_view name) { return find_in(tests, name); }

} // namespace quant::jinja
