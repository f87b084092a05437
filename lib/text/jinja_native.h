// Built-in functions: filters, tests, methods and globals are rows of tables, each with
// its parameters in words, which one piece of code binds arguments to as Python would.
#pragma once

#include "text/jinja_runtime.h"

#include <array>
#include <optional>

namespace quant::jinja {

struct CallArguments {
    Values positional;
    NamedValues named;
};

class Bound;

struct Native {
    std::string_view name;
    /// Names with one space between; "name?" may be left out, "*" takes more positional
    /// ones and "**" more named ones. For filters and tests the first is the value.
    std::string_view parameters;
    Value (*call)(Runtime &, Bound &);
};

/// The arguments of one call, by parameter.
class Bound {
public:
    static constexpr size_t max_parameters = 8;

    /// Fails where they do not fit. `self` belongs to methods.
    Bound(Runtime &runtime, const Native &native, CallArguments &&arguments, const Value *self = nullptr);

    /// Undefined for one that was left out.
    const Value &operator[](size_t i) const { return values_[i]; }
    bool has(size_t i) const { return given_[i]; }
    bool has_value(size_t i) const { return given_[i] && !values_[i].is_none(); }
    const Value &self() const { return self_; }

    /// Typed access; these fail for a value of another type.
    const std::string &text(size_t i);
    int64_t integer(size_t i, int64_t fallback);
    bool truth(size_t i, bool fallback) const { return given_[i] ? jinja::truth(values_[i]) : fallback; }

    Values rest;
    NamedValues named;

private:
    [[noreturn]] void wrong(size_t i, std::string_view expected);
    void bind_named(std::string_view parameter, size_t i, NamedValues &from);

    Runtime &runtime_;
    const Native &native_;
    Value self_;
    std::array<Value, max_parameters> values_;
    std::array<bool, max_parameters> given_{};
};

Value call_native(Runtime &runtime, const Native &native, CallArguments &&arguments, const Value *self = nullptr);

/// Null where there is none of that name.
const Native *find_filter(std::string_view name);
const Native *find_test(std::string_view name);
const Native *find_global(std::string_view name);
const Native *find_method(Kind kind, std::string_view name);
/// What Python has but the sandbox refuses: attributes with an underscore, and changing methods.
bool is_unsafe_attribute(Kind kind, std::string_view name);

/// Apply by name; fail for an unknown name.
Value apply_filter(Runtime &runtime, const std::string &name, const Value &value, CallArguments &&arguments);
bool apply_test(Runtime &runtime, const std::string &name, const Value &value, CallArguments &&arguments);

// The tables, by the file that each stands in.
template <size_t N>
const Native *find_in(const Native (&table)[N], std::string_view name) {
    for (const Native &native : table)
        if (native.name == name) return &native;
    return nullptr;
}
const Native *find_text_filter(std::string_view name);
const Native *find_sequence_filter(std::string_view name);
const Native *find_select_filter(std::string_view name);
const Native *find_number_filter(std::string_view name);
const Native *find_text_method(std::string_view name);
const Native *find_container_method(Kind kind, std::string_view name);

/// text.replace(old, with, most); `most` below 0 is all.
std::string replace_text(Runtime &runtime, std::string_view text, std::string_view old, std::string_view with, int64_t most);
/// text.isupper() or .islower().
bool is_cased(Runtime &runtime, std::string_view text, bool upper);

/// strftime() of runtime.now.
std::string format_now(Runtime &runtime, const std::string &format);

} // namespace quant::jinja
