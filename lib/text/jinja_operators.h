// What operators, dots and brackets do to values.
#pragma once

#include "text/jinja_ast.h"
#include "text/jinja_runtime.h"

namespace quant::jinja {

/// Fail because `value`, which is undefined, was used.
[[noreturn]] void fail_undefined(Runtime &runtime, const Value &value);

/// `value.name`: a method, an attribute or a dict's member, else undefined.
Value get_attribute(Runtime &runtime, const Value &value, const std::string &name);
/// `value[key]`, else as get_attribute() if the key is a text.
Value get_item(Runtime &runtime, const Value &value, const Value &key);
/// `value[start:stop:step]`; each bound is a number or none.
Value get_slice(Runtime &runtime, const Value &value, const Value &start, const Value &stop, const Value &step);

Value arithmetic(Runtime &runtime, Arithmetic op, const Value &a, const Value &b);
Value negate(Runtime &runtime, const Value &value, bool negative);
bool compare(Runtime &runtime, Comparison op, const Value &a, const Value &b);
/// `item in container`.
bool contains(Runtime &runtime, const Value &container, const Value &item);
/// &, <, >, " and ' as HTML has them.
std::string escape_html(std::string_view text);

} // namespace quant::jinja
