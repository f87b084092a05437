// Dots, brackets and slices.
#include "text/jinja_native.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <optional>

namespace quant::jinja {

void fail_undefined(Runtime &runtime, const Value &value) {
    runtime.fail("{}", value.object() ? value.as<Hint>().sentence : "an undefined value was used");
}

namespace {

std::string owner_name(const Value &value) {
    return value.is_none() ? "None" : fmt::format("{} object", type_name(value));
}

std::optional<Value> loop_attribute(Runtime &runtime, const Loop &loop, std::string_view name) {
    const auto n = static_cast<int64_t>(loop.items.size()), i = static_cast<int64_t>(loop.index);
    const std::pair<std::string_view, int64_t> numbers[] = {
        {"index", i + 1},    {"index0", i},           {"length", n},       {"revindex", n - i},
        {"revindex0", n - i - 1}, {"depth", loop.depth}, {"depth0", loop.depth - 1}};
    for (const auto &[key, number] : numbers)
        if (name == key) return Value::integer(number);
    if (name == "first") return Value::boolean(i == 0);
    if (name == "last") return Value::boolean(i == n - 1);
    if (name == "previtem") return i > 0 ? loop.items[loop.index - 1] : runtime.undefined("there is no previous item");
    if (name == "nextitem") return i + 1 < n ? loop.items[loop.index + 1] : runtime.undefined("there is no next item");
    return std::nullopt;
}

// Attributes that are no methods.
std::optional<Value> own_attribute(Runtime &runtime, const Value &value, const std::string &name) {
    switch (value.kind()) {
    case Kind::loop: return loop_attribute(runtime, value.as<Loop>(), name);
    case Kind::space: {
        const Value *found = value.as<Namespace>().find(name);
        return found ? std::optional(*found) : std::nullopt;
    }
    case Kind::range: {
        const Range &range = value.as<Range>();
        if (name == "start") return Value::integer(range.start);
        if (name == "stop") return Value::integer(range.stop);
        if (name == "step") return Value::integer(range.step);
        return std::nullopt;
    }
    case Kind::cycler: {
        const Cycler &cycler = value.as<Cycler>();
        if (name == "current") return cycler.items[cycler.position];
        return std::nullopt;
    }
    case Kind::tuple:
        if (value.as<List>().is_group && (name == "grouper" || name == "list")) return value.items()[name == "list"];
        return std::nullopt;
    case Kind::callable:
        if (const Callable &callable = value.as<Callable>(); callable.macro && name == "name") return runtime.text(callable.macro->name);
        return std::nullopt;
    default: return std::nullopt;
    }
}

// As Python's getattr() in Jinja's sandbox, or nothing where that has no such attribute.
std::optional<Value> method_or_attribute(Runtime &runtime, const Value &value, const std::string &name) {
    if (auto own = own_attribute(runtime, value, name)) return own;
    if (const Native *method = find_method(value.kind(), name))
        return Value(Kind::callable, runtime.make<Callable>({value}, *method, value));
    if (is_unsafe_attribute(value.kind(), name))
        return runtime.undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe", printable(name, 60), type_name(value)));
    return std::nullopt;
}

Value element(const Values &items, int64_t index) {
    const auto n = static_cast<int64_t>(items.size());
    if (index < 0) index += n;
    return index >= 0 && index < n ? items[static_cast<size_t>(index)] : Value();
}

Value character(Runtime &runtime, const Value &value, int64_t index) {
    const std::string &text = value.text();
    runtime.work(text.size());
    const auto n = static_cast<int64_t>(unicode::length(text));
    if (index < 0) index += n;
    if (index < 0 || index >= n) return Value();
    size_t at = 0;
    if (static_cast<size_t>(n) == text.size()) at = static_cast<size_t>(index);
    else for (int64_t i = 0; i < index; ++i) at += unicode::glyph_bytes(text, at);
    return runtime.text(text.substr(at, unicode::glyph_bytes(text, at)), value.is_markup());
}

// value[key] without the fallback to attributes; undefined where there is none.
Value subscript(Runtime &runtime, const Value &value, const Value &key) {
    if (value.is(Kind::dict)) {
        if (key.is(Kind::list) || key.is(Kind::dict)) return Value();
        require_hashable(runtime, key);
        const Value *found = value.as<Dict>().find(key);
        return found ? *found : Value();
    }
    if (!key.is_integral()) return Value();
    if (value.is_sequence()) return element(value.items(), key.as_integer());
    if (value.is_text()) return character(runtime, value, key.as_integer());
    if (value.is(Kind::range)) {
        const Range &range = value.as<Range>();
        const int64_t n = range.size(), i = key.as_integer() < 0 ? key.as_integer() + n : key.as_integer();
        return i >= 0 && i < n ? Value::integer(range.start + i * range.step) : Value();
    }
    return Value();
}

bool is_missing(const Value &value) { return value.is_undefined() && !value.object(); }

} // namespace

Value get_attribute(Runtime &runtime, const Value &value, const std::string &name) {
    if (value.is_undefined()) fail_undefined(runtime, value);
    if (auto found = method_or_attribute(runtime, value, name)) return *found;
    if (value.is(Kind::dict))
        if (const Value *member = value.as<Dict>().find(std::string_view(name))) return *member;
    return runtime.undefined(fmt::format("'{}' has no attribute '{}'", owner_name(value), printable(name, 60)));
}

Value get_item(Runtime &runtime, const Value &value, const Value &key) {
    if (value.is_undefined()) fail_undefined(runtime, value);
    const Value found = subscript(runtime, value, key);
    if (!is_missing(found)) return found;
    if (!key.is_text()) {
        const std::string shown = key.is_number() ? repr(runtime, key) : std::string(type_name(key));
        return runtime.undefined(fmt::format("'{}' has no element {}", owner_name(value), shown));
    }
    if (auto attribute = method_or_attribute(runtime, value, key.text())) return *attribute;
    return runtime.undefined(fmt::format("'{}' has no attribute '{}'", owner_name(value), printable(key.text(), 60)));
}

namespace {

struct SliceBounds {
    int64_t start, step, count;
};

// Python's slice.indices(): bounds clamped to the sequence, negative ones from its end.
SliceBounds resolve_slice(Runtime &runtime, const Value &start, const Value &stop, const Value &step, int64_t n) {
    const auto number = [&](const Value &v, int64_t fallback) {
        if (v.is_none()) return fallback;
        if (v.is_undefined()) fail_undefined(runtime, v);
        if (!v.is_integral()) runtime.fail("the bounds of a slice must be integers or none, not {}", type_name(v));
        return v.as_integer();
    };
    const int64_t by = number(step, 1);
    if (by == 0) runtime.fail("the step of a slice must not be zero");
    const auto clamp = [&](int64_t at) { return std::clamp<int64_t>(at < 0 ? at + n : at, by > 0 ? 0 : -1, by > 0 ? n : n - 1); };
    const int64_t from = start.is_none() ? (by > 0 ? 0 : n - 1) : clamp(number(start, 0));
    const int64_t to = stop.is_none() ? (by > 0 ? n : -1) : clamp(number(stop, 0));
    const int64_t span = by > 0 ? to - from : from - to;
    if (span <= 0) return {from, by, 0};
    const uint64_t stride = by > 0 ? static_cast<uint64_t>(by) : 0 - static_cast<uint64_t>(by);
    return {from, by, static_cast<int64_t>((static_cast<uint64_t>(span) - 1) / stride) + 1};
}

Value slice_text(Runtime &runtime, const Value &value, const SliceBounds &bounds) {
    const std::string &text = value.text();
    runtime.work(text.size());
    std::vector<size_t> offsets = unicode::offsets(text);
    std::string out;
    for (int64_t i = 0; i < bounds.count; ++i) {
        const auto at = static_cast<size_t>(bounds.start + i * bounds.step);
        out.append(text, offsets[at], offsets[at + 1] - offsets[at]);
    }
    return runtime.text(std::move(out), value.is_markup());
}

} // namespace

Value get_slice(Runtime &runtime, const Value &value, const Value &start, const Value &stop, const Value &step) {
    if (value.is_undefined()) fail_undefined(runtime, value);
    if (!value.is_text() && !value.is_sequence() && !value.is(Kind::range))
        runtime.fail("'{}' object cannot be sliced", type_name(value));
    const SliceBounds bounds = resolve_slice(runtime, start, stop, step, length_of(runtime, value));
    if (value.is_text()) return slice_text(runtime, value, bounds);
    if (value.is(Kind::range)) {
        const Range &range = value.as<Range>();
        const int64_t first = range.start + bounds.start * range.step, by = range.step * (bounds.count > 1 ? bounds.step : 1);
        return Value(Kind::range, runtime.make<Range>({}, first, first + by * bounds.count, by));
    }
    Values out;
    out.reserve(static_cast<size_t>(bounds.count));
    for (int64_t i = 0; i < bounds.count; ++i) out.push_back(value.items()[static_cast<size_t>(bounds.start + i * bounds.step)]);
    return value.is(Kind::list) ? runtime.list(std::move(out)) : runtime.tuple(std::move(out));
}

} // namespace quant::jinja
