// Values as Python prints them: str(), repr() and json.dumps().
#pragma once

#include "text/jinja_runtime.h"

#include <optional>

namespace quant::jinja {

std::string str(Runtime &runtime, const Value &value);
std::string repr(Runtime &runtime, const Value &value);
/// A text's own bytes where it is one, else str() of it kept in `storage`.
std::string_view str_view(Runtime &runtime, const Value &value, std::string &storage);

/// The shortest text that reads back as `d`, laid out as Python does.
std::string real_repr(double d);

struct JsonStyle {
    bool ascii = false, sort_keys = false;
    std::optional<std::string> indent; ///< What one level is indented by; none: one line.
    std::string item_separator = ", ", key_separator = ": ";
};
std::string to_json(Runtime &runtime, const Value &value, const JsonStyle &style);

} // namespace quant::jinja
