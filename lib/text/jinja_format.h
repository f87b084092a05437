// Python's two ways to format text: the % operator and str.format().
#pragma once

#include "text/jinja_native.h"

namespace quant::jinja {

/// `format % arguments`; a tuple gives several arguments, a dict named ones.
Value percent_format(Runtime &runtime, const Value &format, const Value &arguments);
/// `format.format(*positional, **named)`.
Value brace_format(Runtime &runtime, const Value &format, const Values &positional, const NamedValues &named);

} // namespace quant::jinja
