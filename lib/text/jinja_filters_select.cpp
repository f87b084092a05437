// map, select, reject and their attribute forms: filters that apply filters and tests.
#include "text/jinja_attribute.h"
#include "text/jinja_operators.h"

#include <algorithm>
#include <charconv>

namespace quant::jinja {

AttributePath::AttributePath(Runtime &runtime, const Value &path, const Value *fallback) : fallback_(fallback) {
    if (path.is_integral()) keys_.push_back(path);
    if (!path.is_text()) return;
    for (std::string_view left = path.text();;) {
        const size_t dot = std::min(left.find('.'), left.size());
        const std::string_view part = left.substr(0, dot);
        int64_t index = 0;
        const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
        const bool number = error == std::errc() && end == part.data() + part.size() && part[0] != '-';
        keys_.push_back(number ? Value::integer(index) : runtime.text(std::string(part)));
        if (dot == left.size()) break;
        left.remove_prefix(dot + 1);
    }
}

Value AttributePath::get(Runtime &runtime, const Value &item) const {
    Value out = item;
    for (const Value &key : keys_) {
        out = get_item(runtime, out, key);
        if (fallback_ && out.is_undefined()) out = *fallback_;
    }
    return out;
}

namespace {

Value map(Runtime &runtime, Bound &a) {
    Values out;
    if (!truth(a[0])) return runtime.generator({}); // Jinja does not even ask whether none can be iterated over
    const auto named = [&](std::string_view name) {
        const auto found = std::find_if(a.named.begin(), a.named.end(), [&](const auto &n) { return n.first == name; });
        return found == a.named.end() ? nullptr : &found->second;
    };
    if (const Value *attribute = named("attribute"); a.rest.empty() && attribute) {
        const AttributePath path(runtime, *attribute, named("default"));
        for (const Value &item : Items(runtime, a[0])) out.push_back(path.get(runtime, item));
        return runtime.generator(std::move(out));
    }
    if (a.rest.empty() || !a.rest[0].is_text()) runtime.fail("map requires a filter argument");
    for (const Value &item : Items(runtime, a[0]))
        out.push_back(apply_filter(runtime, a.rest[0].text(), item, {Values(a.rest.begin() + 1, a.rest.end()), a.named}));
    return runtime.generator(std::move(out));
}

// The items that pass, or with `wanted` false fail, the test named by the arguments.
template <bool wanted, bool by_attribute>
Value select(Runtime &runtime, Bound &a) {
    constexpr size_t test_at = by_attribute ? 1 : 0;
    if (by_attribute && a.rest.empty()) runtime.fail("selectattr and rejectattr need an attribute");
    if (!truth(a[0])) return runtime.generator({});
    const AttributePath path(runtime, by_attribute ? a.rest[0] : Value());
    Values out;
    for (const Value &item : Items(runtime, a[0])) {
        const Value subject = path.get(runtime, item);
        bool passes = false;
        if (a.rest.size() <= test_at) {
            passes = truth(subject);
        } else {
            if (!a.rest[test_at].is_text()) runtime.fail("the name of a test must be a string");
            CallArguments arguments{Values(a.rest.begin() + test_at + 1, a.rest.end()), a.named};
            passes = apply_test(runtime, a.rest[test_at].text(), subject, std::move(arguments));
        }
        if (passes == wanted) out.push_back(item);
    }
    return runtime.generator(std::move(out));
}

constexpr Native select_filters[] = {
    {"map", "value * **", &map},
    {"select", "value * **", &select<true, false>},
    {"reject", "value * **", &select<false, false>},
    {"selectattr", "value * **", &select<true, true>},
    {"rejectattr", "value * **", &select<false, true>},
};

} // namespace

const Native *find_select_filter(std::string_view name) { return find_in(select_filters, name); }

} // namespace quant::jinja
