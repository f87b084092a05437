#include "text/jinja_native.h"

#include "text/jinja_operators.h"

#include <algorithm>

namespace quant::jinja {

Bound::Bound(Runtime &runtime, const Native &native, CallArguments &&arguments, const Value *self)
    : runtime_(runtime), native_(native) {
    if (self) self_ = *self;
    runtime.work(64);
    std::string_view left = native.parameters;
    size_t used = 0, i = 0;
    bool more_named = false;
    while (!left.empty()) {
        std::string_view parameter = left.substr(0, left.find(' '));
        left.remove_prefix(std::min(left.size(), parameter.size() + 1));
        if (parameter == "**") {
            more_named = true;
        } else if (parameter == "*") {
            rest.assign(arguments.positional.begin() + static_cast<ptrdiff_t>(used), arguments.positional.end());
            used = arguments.positional.size();
        } else {
            const bool optional = parameter.ends_with('?');
            if (optional) parameter.remove_suffix(1);
            if (used < arguments.positional.size()) values_[i] = std::move(arguments.positional[used++]), given_[i] = true;
            else bind_named(parameter, i, arguments.named);
            if (!given_[i] && !optional) runtime.fail("{}() needs an argument '{}'", native.name, parameter);
            ++i;
        }
    }
    if (used < arguments.positional.size()) runtime.fail("{}() takes at most {} arguments", native.name, used);
    named = std::move(arguments.named);
    if (!more_named && !named.empty())
        runtime.fail("{}() got an unexpected argument '{}'", native.name, printable(named.front().first, 60));
}

void Bound::bind_named(std::string_view parameter, size_t i, NamedValues &from) {
    const auto found = std::find_if(from.begin(), from.end(), [&](const auto &argument) { return argument.first == parameter; });
    if (found == from.end()) return;
    values_[i] = std::move(found->second);
    given_[i] = true;
    from.erase(found);
}

void Bound::wrong(size_t i, std::string_view expected) {
    if (values_[i].is_undefined()) fail_undefined(runtime_, values_[i]);
    runtime_.fail("{}() expected {}, not {}", native_.name, expected, type_name(values_[i]));
}

const std::string &Bound::text(size_t i) {
    if (!values_[i].is_text()) wrong(i, "a string");
    return values_[i].text();
}

int64_t Bound::integer(size_t i, int64_t fallback) {
    if (!given_[i]) return fallback;
    if (!values_[i].is_integral()) wrong(i, "an integer");
    return values_[i].as_integer();
}

Value call_native(Runtime &runtime, const Native &native, CallArguments &&arguments, const Value *self) {
    const Runtime::Nesting nesting(runtime);
    Bound bound(runtime, native, std::move(arguments), self);
    return native.call(runtime, bound);
}

const Native *find_filter(std::string_view name) {
    for (const auto find : {find_text_filter, find_sequence_filter, find_select_filter, find_number_filter})
        if (const Native *native = find(name)) return native;
    return nullptr;
}

const Native *find_method(Kind kind, std::string_view name) {
    return kind == Kind::text ? find_text_method(name) : find_container_method(kind, name);
}

bool is_unsafe_attribute(Kind kind, std::string_view name) {
    static constexpr std::string_view list_changes[] = {"append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort"};
    static constexpr std::string_view dict_changes[] = {"clear", "pop", "popitem", "setdefault", "update"};
    if (kind == Kind::list) return std::find(std::begin(list_changes), std::end(list_changes), name) != std::end(list_changes);
    if (kind == Kind::dict) return std::find(std::begin(dict_changes), std::end(dict_changes), name) != std::end(dict_changes);
    return name.starts_with("__");
}

namespace {

CallArguments with_value(const Value &value, CallArguments &&arguments) {
    arguments.positional.insert(arguments.positional.begin(), value);
    return std::move(arguments);
}

} // namespace

Value apply_filter(Runtime &runtime, const std::string &name, const Value &value, CallArguments &&arguments) {
    const Native *filter = find_filter(name);
    if (!filter) runtime.fail("no filter named '{}'", printable(name, 60));
    return call_native(runtime, *filter, with_value(value, std::move(arguments)));
}

bool apply_test(Runtime &runtime, const std::string &name, const Value &value, CallArguments &&arguments) {
    const Native *test = find_test(name);
    if (!test) runtime.fail("no test named '{}'", printable(name, 60));
    return truth(call_native(runtime, *test, with_value(value, std::move(arguments))));
}

} // namespace quant::jinja
