// Filters over sequences. What is a generator in Jinja is one here: it can be iterated
// over once and has no length.
#include "base/checked.h"
#include "text/jinja_attribute.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <set>

namespace quant::jinja {

namespace {

Value length(Runtime &runtime, Bound &a) {
    const int64_t n = length_of(runtime, a[0]);
    if (n < 0) runtime.fail("object of type '{}' has no len()", type_name(a[0]));
    return Value::integer(n);
}

Value list(Runtime &runtime, Bound &a) { return runtime.list(Items(runtime, a[0]).take()); }

Value items(Runtime &runtime, Bound &a) {
    if (a[0].is_undefined()) return runtime.generator({});
    if (!a[0].is(Kind::dict)) runtime.fail("items expected a mapping, not {}", type_name(a[0]));
    const Value view(Kind::view, runtime.make<View>({a[0]}, a[0], View::Of::items));
    return runtime.generator(Items(runtime, view).take());
}

Value first(Runtime &runtime, Bound &a) {
    const Items all(runtime, a[0]);
    return all.size() > 0 ? all.all().front() : runtime.undefined("No first item, sequence was empty.");
}

Value last(Runtime &runtime, Bound &a) {
    if (a[0].is(Kind::generator)) runtime.fail("'generator' object is not reversible");
    const Items all(runtime, a[0]);
    return all.size() > 0 ? all.all().back() : runtime.undefined("No last item, sequence was empty.");
}

Value join(Runtime &runtime, Bound &a) {
    const AttributePath path(runtime, a[2]);
    std::string separator_text, item_text, out;
    const std::string separator(a.has(1) ? str_view(runtime, a[1], separator_text) : std::string_view());
    bool later = false;
    for (const Value &item : Items(runtime, a[0])) {
        const Value value = path.get(runtime, item);
        const std::string_view text = str_view(runtime, value, item_text);
        runtime.check_text(out.size() + separator.size() + text.size());
        runtime.work(separator.size() + text.size());
        if (std::exchange(later, true)) out += separator;
        out += text;
    }
    return runtime.text(std::move(out));
}

Value default_value(Runtime &runtime, Bound &a) {
    const bool missing = a[0].is_undefined() || (a.truth(2, false) && !truth(a[0]));
    if (!missing) return a[0];
    return a.has(1) ? a[1] : runtime.text("");
}

Value reverse(Runtime &runtime, Bound &a) {
    if (a[0].is_text()) return get_slice(runtime, a[0], Value::none(), Value::none(), Value::integer(-1));
    Values all = Items(runtime, a[0]).take();
    std::reverse(all.begin(), all.end());
    return runtime.generator(std::move(all));
}

// A key to sort or group by: texts without regard to case, unless told otherwise.
Value folded(Runtime &runtime, const Value &value, bool case_sensitive) {
    if (case_sensitive || !value.is_text()) return value;
    runtime.work(value.text().size() * 4);
    return runtime.text(unicode::lower(value.text()));
}

using Keyed = std::vector<std::pair<Value, Value>>; // key and item

Keyed with_keys(Runtime &runtime, const Value &of, const AttributePath &path, bool case_sensitive) {
    Keyed out;
    for (const Value &item : Items(runtime, of)) out.emplace_back(folded(runtime, path.get(runtime, item), case_sensitive), item);
    return out;
}

// std::sort needs an order that holds; where NaN breaks it, merging stays within bounds.
void sort_keyed(Runtime &runtime, Keyed &keyed, bool reverse) {
    std::stable_sort(keyed.begin(), keyed.end(), [&](const auto &x, const auto &y) {
        return reverse ? order(runtime, y.first, x.first, "<") < 0 : order(runtime, x.first, y.first, "<") < 0;
    });
}

Value list_of(Runtime &runtime, Keyed &&keyed) {
    Values out;
    out.reserve(keyed.size());
    for (auto &entry : keyed) out.push_back(std::move(entry.second));
    return runtime.list(std::move(out));
}

Value sort(Runtime &runtime, Bound &a) {
    // "a,b" sorts by several attributes.
    Keyed keyed;
    if (a.has_value(3) && a[3].is_text() && a[3].text().find(',') != std::string::npos) {
        std::vector<AttributePath> paths;
        for (std::string_view left = a[3].text(); !left.empty();) {
            const size_t comma = std::min(left.find(','), left.size());
            paths.emplace_back(runtime, runtime.text(std::string(left.substr(0, comma))));
            left.remove_prefix(std::min(left.size(), comma + 1));
        }
        for (const Value &item : Items(runtime, a[0])) {
            Values key;
            for (const AttributePath &path : paths) key.push_back(folded(runtime, path.get(runtime, item), a.truth(2, false)));
            keyed.emplace_back(runtime.tuple(std::move(key)), item);
        }
    } else {
        keyed = with_keys(runtime, a[0], AttributePath(runtime, a[3]), a.truth(2, false));
    }
    sort_keyed(runtime, keyed, a.truth(1, false));
    return list_of(runtime, std::move(keyed));
}

Value dict_sort(Runtime &runtime, Bound &a) {
    const std::string by = a.has(2) ? a.text(2) : "key";
    if (by != "key" && by != "value") runtime.fail("You can only sort by either \"key\" or \"value\"");
    if (!a[0].is(Kind::dict)) runtime.fail("dictsort expected a mapping, not {}", type_name(a[0]));
    Keyed keyed;
    for (const auto &[key, value] : a[0].as<Dict>().entries())
        keyed.emplace_back(folded(runtime, by == "key" ? key : value, a.truth(1, false)), runtime.pair(key, value));
    sort_keyed(runtime, keyed, a.truth(3, false));
    return list_of(runtime, std::move(keyed));
}

Value unique(Runtime &runtime, Bound &a) {
    std::set<Value, KeyLess> seen(KeyLess{&runtime});
    Values out;
    for (auto &[key, item] : with_keys(runtime, a[0], AttributePath(runtime, a[2]), a.truth(1, false))) {
        require_hashable(runtime, key);
        if (seen.insert(key).second) out.push_back(std::move(item));
    }
    return runtime.generator(std::move(out));
}

Value group_by(Runtime &runtime, Bound &a) {
    const AttributePath path(runtime, a[1], a.has(2) ? &a[2] : nullptr);
    Keyed keyed = with_keys(runtime, a[0], path, a.truth(3, false));
    sort_keyed(runtime, keyed, false);
    Values groups;
    for (size_t i = 0; i < keyed.size();) {
        Values members;
        const size_t begin = i;
        for (; i < keyed.size() && equal(runtime, keyed[i].first, keyed[begin].first); ++i) members.push_back(keyed[i].second);
        if (members.empty()) members.push_back(keyed[i++].second); // NaN equals nothing
        groups.push_back(runtime.group(path.get(runtime, keyed[begin].second), runtime.list(std::move(members))));
    }
    return runtime.list(std::move(groups));
}

template <int wanted>
Value extreme(Runtime &runtime, Bound &a) {
    const Keyed keyed = with_keys(runtime, a[0], AttributePath(runtime, a[2]), a.truth(1, false));
    if (keyed.empty()) return runtime.undefined("No aggregated item, sequence was empty.");
    size_t best = 0;
    for (size_t i = 1; i < keyed.size(); ++i) {
        const int sign = order(runtime, keyed[i].first, keyed[best].first, wanted < 0 ? "<" : ">");
        if (wanted < 0 ? sign < 0 : sign > 0) best = i;
    }
    return keyed[best].second;
}

Value sum(Runtime &runtime, Bound &a) {
    const AttributePath path(runtime, a[1]);
    Value out = a.has(2) ? a[2] : Value::integer(0);
    if (out.is_text()) runtime.fail("sum() can't sum strings");
    for (const Value &item : Items(runtime, a[0])) out = arithmetic(runtime, Arithmetic::add, out, path.get(runtime, item));
    return out;
}

Value batch(Runtime &runtime, Bound &a) {
    const int64_t n = a.integer(1, 1);
    if (n < 1) runtime.fail("batch needs a line count of at least 1");
    if (a.has_value(2)) runtime.check_text(checked_mul<uint64_t>(static_cast<uint64_t>(n), sizeof(Value)).value_or(UINT64_MAX));
    Values out, line;
    const auto flush = [&] { out.push_back(runtime.list(std::exchange(line, {}))); };
    for (const Value &item : Items(runtime, a[0])) {
        if (static_cast<int64_t>(line.size()) == n) flush();
        line.push_back(item);
    }
    if (!line.empty()) {
        for (; a.has_value(2) && static_cast<int64_t>(line.size()) < n; runtime.work(sizeof(Value))) line.push_back(a[2]);
        flush();
    }
    return runtime.generator(std::move(out));
}

// Into so many columns, the first ones longer by one where it does not come out even.
Value slice(Runtime &runtime, Bound &a) {
    const Values all = Items(runtime, a[0]).take();
    const int64_t columns = a.integer(1, 1);
    if (columns < 1) runtime.fail("slice needs a count of at least 1");
    const auto n = static_cast<size_t>(columns);
    Values out;
    for (size_t i = 0, at = 0; i < n; ++i) {
        const size_t size = all.size() / n + (i < all.size() % n);
        Values column(all.begin() + static_cast<ptrdiff_t>(at), all.begin() + static_cast<ptrdiff_t>(at + size));
        at += size;
        if (a.has_value(2) && i >= all.size() % n && all.size() % n != 0) column.push_back(a[2]);
        out.push_back(runtime.list(std::move(column)));
    }
    return runtime.generator(std::move(out));
}

Value attr(Runtime &runtime, Bound &a) {
    if (a[0].is(Kind::dict) && !find_method(Kind::dict, a.text(1)))
        return runtime.undefined(fmt::format("'dict object' has no attribute '{}'", printable(a.text(1), 60)));
    return get_attribute(runtime, a[0], a.text(1));
}

constexpr Native sequence_filters[] = {
    {"length", "value", &length},
    {"count", "value", &length},
    {"list", "value", &list},
    {"items", "value", &items},
    {"first", "value", &first},
    {"last", "value", &last},
    {"join", "value d? attribute?", &join},
    {"default", "value default_value? boolean?", &default_value},
    {"d", "value default_value? boolean?", &default_value},
    {"reverse", "value", &reverse},
    {"sort", "value reverse? case_sensitive? attribute?", &sort},
    {"dictsort", "value case_sensitive? by? reverse?", &dict_sort},
    {"unique", "value case_sensitive? attribute?", &unique},
    {"groupby", "value attribute default? case_sensitive?", &group_by},
    {"min", "value case_sensitive? attribute?", &extreme<-1>},
    {"max", "value case_sensitive? attribute?", &extreme<1>},
    {"sum", "value attribute? start?", &sum},
    {"batch", "value linecount fill_with?", &batch},
    {"slice", "value slices fill_with?", &slice},
    {"attr", "value name", &attr},
};

} // namespace

const Native *find_sequence_filter(std::string_view name) { return find_in(sequence_filters, name); }

} // namespace quant::jinja
