#include "text/jinja_value.h"

#include "text/jinja_runtime.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <cmath>

namespace quant::jinja {

Value Value::real(double d) {
    Value out(Kind::real);
    out.scalar_.real = d;
    return out;
}

const std::string &Value::text() const { return as<Text>().bytes; }
bool Value::is_markup() const { return is_text() && as<Text>().markup; }
const Values &Value::items() const { return as<List>().items; }

int64_t Range::size() const {
    if (step > 0 ? start >= stop : start <= stop) return 0;
    const auto low = static_cast<uint64_t>(step > 0 ? start : stop), high = static_cast<uint64_t>(step > 0 ? stop : start);
    const uint64_t by = step > 0 ? static_cast<uint64_t>(step) : 0 - static_cast<uint64_t>(step);
    const uint64_t n = (high - low - 1) / by + 1;
    return n > INT64_MAX ? INT64_MAX : static_cast<int64_t>(n);
}

const Value *Namespace::find(std::string_view name) const {
    for (const auto &[key, value] : attributes)
        if (key == name) return &value;
    return nullptr;
}

void Namespace::set(std::string_view name, Value value) {
    for (auto &[key, old] : attributes)
        if (key == name) return void(old = std::move(value));
    attributes.emplace_back(name, std::move(value));
}

template <class Key>
const Value *Dict::lookup(const Key &key) const {
    if (entries_.size() <= linear) {
        const KeyLess &less = index_.key_comp();
        for (const auto &[have, value] : entries_)
            if (!less(have, key) && !less(key, have)) return &value;
        return nullptr;
    }
    const auto found = index_.find(key);
    return found == index_.end() ? nullptr : &entries_[found->second].second;
}

const Value *Dict::find(const Value &key) const { return lookup(key); }
const Value *Dict::find(std::string_view key) const { return lookup(key); }

void Dict::set(Value key, Value value) {
    if (const Value *old = find(key)) {
        const_cast<Value &>(*old) = std::move(value); // ours, found through a const path
        return;
    }
    entries_.emplace_back(std::move(key), std::move(value));
    const size_t n = entries_.size();
    if (n <= linear) return;
    for (size_t i = n == linear + 1 ? 0 : n - 1; i < n; ++i) index_.emplace(entries_[i].first, i);
}

std::string_view type_name(const Value &value) {
    switch (value.kind()) {
    case Kind::undefined: return "Undefined";
    case Kind::none: return "NoneType";
    case Kind::boolean: return "bool";
    case Kind::integer: return "int";
    case Kind::real: return "float";
    case Kind::text: return value.is_markup() ? "Markup" : "str";
    case Kind::list: return "list";
    case Kind::tuple: return "tuple";
    case Kind::generator: return "generator";
    case Kind::dict: return "dict";
    case Kind::range: return "range";
    case Kind::view: {
        constexpr std::string_view names[] = {"dict_keys", "dict_values", "dict_items"};
        return names[static_cast<size_t>(value.as<View>().which)];
    }
    case Kind::space: return "Namespace";
    case Kind::callable: return "function";
    case Kind::loop: return "LoopContext";
    case Kind::cycler: return "Cycler";
    case Kind::joiner: return "Joiner";
    }
    return "object";
}

bool truth(const Value &value) {
    switch (value.kind()) {
    case Kind::undefined:
    case Kind::none: return false;
    case Kind::boolean:
    case Kind::integer: return value.as_integer() != 0;
    case Kind::real: return value.as_real() != 0.0;
    case Kind::text: return !value.text().empty();
    case Kind::list:
    case Kind::tuple: return !value.items().empty();
    case Kind::dict: return !value.as<Dict>().entries().empty();
    case Kind::range: return value.as<Range>().size() != 0;
    case Kind::view: return truth(value.as<View>().dict);
    default: return true;
    }
}

namespace {

// -1, 0 or 1; an integer and a real by their exact values.
int order_numbers(const Value &a, const Value &b) {
    if (a.is_integral() && b.is_integral())
        return a.as_integer() < b.as_integer() ? -1 : a.as_integer() > b.as_integer();
    const auto x = static_cast<long double>(a.is(Kind::real) ? a.as_real() : static_cast<long double>(a.as_integer()));
    const auto y = static_cast<long double>(b.is(Kind::real) ? b.as_real() : static_cast<long double>(b.as_integer()));
    return x < y ? -1 : x > y;
}

// Kinds of keys in the order that KeyLess gives them.
int key_rank(const Value &v) {
    if (v.is_number()) return 1;
    if (v.is_text()) return 2;
    if (v.is(Kind::tuple)) return 3;
    return v.is_none() ? 0 : 4 + static_cast<int>(v.kind());
}

int order_keys(Runtime &runtime, const Value &a, const Value &b) {
    runtime.work(8);
    const int left = key_rank(a), right = key_rank(b);
    if (left != right) return left < right ? -1 : 1;
    switch (left) {
    case 1: return order_numbers(a, b);
    case 2: return a.text().compare(b.text());
    case 3: {
        const Values &x = a.items(), &y = b.items();
        for (size_t i = 0; i < x.size() && i < y.size(); ++i)
            if (const int first = order_keys(runtime, x[i], y[i])) return first;
        return x.size() < y.size() ? -1 : x.size() > y.size();
    }
    default: return a.object() < b.object() ? -1 : b.object() < a.object();
    }
}

bool equal_items(Runtime &runtime, const Values &a, const Values &b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                      [&](const Value &x, const Value &y) { return equal(runtime, x, y); });
}

bool equal_dicts(Runtime &runtime, const Dict &a, const Dict &b) {
    if (a.entries().size() != b.entries().size()) return false;
    return std::all_of(a.entries().begin(), a.entries().end(), [&](const auto &entry) {
        const Value *other = b.find(entry.first);
        return other && equal(runtime, entry.second, *other);
    });
}

} // namespace

bool KeyLess::operator()(const Value &a, const Value &b) const { return order_keys(*runtime, a, b) < 0; }
bool KeyLess::operator()(const Value &a, std::string_view b) const {
    return a.is_text() ? std::string_view(a.text()) < b : key_rank(a) < 2;
}
bool KeyLess::operator()(std::string_view a, const Value &b) const {
    return b.is_text() ? a < std::string_view(b.text()) : key_rank(b) > 2;
}

bool equal(Runtime &runtime, const Value &a, const Value &b) {
    runtime.work(8);
    if (a.is_number() && b.is_number()) return order_numbers(a, b) == 0 && !std::isnan(a.as_real()) && !std::isnan(b.as_real());
    if (a.kind() != b.kind()) return false;
    switch (a.kind()) {
    case Kind::undefined:
    case Kind::none: return true;
    case Kind::text:
        runtime.work(std::min(a.text().size(), b.text().size()));
        return a.text() == b.text();
    case Kind::list:
    case Kind::tuple: return equal_items(runtime, a.items(), b.items());
    case Kind::dict: return equal_dicts(runtime, a.as<Dict>(), b.as<Dict>());
    case Kind::range: {
        const Range &x = a.as<Range>(), &y = b.as<Range>();
        const int64_t n = x.size();
        return n == y.size() && (n == 0 || (x.start == y.start && (n == 1 || x.step == y.step)));
    }
    default: return a.object() == b.object();
    }
}

int order(Runtime &runtime, const Value &a, const Value &b, std::string_view sign) {
    runtime.work(8);
    if (a.is_undefined() || b.is_undefined()) {
        const Value &missing = a.is_undefined() ? a : b;
        runtime.fail("{}", missing.object() ? missing.as<Hint>().sentence : "an undefined value cannot be compared");
    }
    if (a.is_number() && b.is_number()) return order_numbers(a, b);
    if (a.is_text() && b.is_text()) {
        runtime.work(std::min(a.text().size(), b.text().size()));
        return a.text().compare(b.text()); // UTF-8 sorts as its code points do
    }
    if (!a.is_sequence() || a.kind() != b.kind())
        runtime.fail("'{}' not supported between '{}' and '{}'", sign, type_name(a), type_name(b));
    const Values &x = a.items(), &y = b.items();
    for (size_t i = 0; i < x.size() && i < y.size(); ++i)
        if (!equal(runtime, x[i], y[i])) return order(runtime, x[i], y[i], sign);
    return x.size() < y.size() ? -1 : x.size() > y.size();
}

void require_hashable(Runtime &runtime, const Value &key) {
    runtime.work(8);
    if (key.is(Kind::list) || key.is(Kind::dict)) runtime.fail("a {} cannot be a key of a dict", type_name(key));
    if (key.is(Kind::tuple))
        for (const Value &part : key.items()) require_hashable(runtime, part);
    if (key.is_text()) runtime.work(key.text().size());
}

bool is_iterable(const Value &value) {
    switch (value.kind()) {
    case Kind::none:
    case Kind::boolean:
    case Kind::integer:
    case Kind::real:
    case Kind::space:
    case Kind::callable:
    case Kind::cycler:
    case Kind::joiner: return false;
    default: return true;
    }
}

int64_t length_of(Runtime &runtime, const Value &value) {
    switch (value.kind()) {
    case Kind::undefined: return 0;
    case Kind::text:
        runtime.work(value.text().size());
        return static_cast<int64_t>(unicode::length(value.text()));
    case Kind::list:
    case Kind::tuple: return static_cast<int64_t>(value.items().size());
    case Kind::dict: return static_cast<int64_t>(value.as<Dict>().entries().size());
    case Kind::range: return value.as<Range>().size();
    case Kind::view: return length_of(runtime, value.as<View>().dict);
    default: return -1;
    }
}

namespace {

Values characters(Runtime &runtime, std::string_view text) {
    Values out;
    for (size_t at = 0; at < text.size();) {
        const size_t n = unicode::glyph_bytes(text, at);
        out.push_back(runtime.text(std::string(text.substr(at, n))));
        at += n;
    }
    return out;
}

Values view_items(Runtime &runtime, const View &view) {
    const auto &entries = view.dict.as<Dict>().entries();
    Values out;
    out.reserve(entries.size());
    for (const auto &[key, value] : entries) {
        if (view.which == View::Of::items) out.push_back(runtime.pair(key, value));
        else out.push_back(view.which == View::Of::keys ? key : value);
    }
    return out;
}

} // namespace

Items::Items(Runtime &runtime, const Value &of) : keep_(of) {
    switch (of.kind()) {
    case Kind::undefined: break;
    case Kind::text: own_ = characters(runtime, of.text()); break;
    case Kind::list:
    case Kind::tuple: borrowed_ = &of.items(); break;
    case Kind::generator:
        if (!std::exchange(of.as<List>().consumed, true)) borrowed_ = &of.items();
        break;
    case Kind::dict:
        for (const auto &entry : of.as<Dict>().entries()) own_.push_back(entry.first);
        break;
    case Kind::view: own_ = view_items(runtime, of.as<View>()); break;
    case Kind::range: {
        const Range &range = of.as<Range>();
        for (int64_t i = 0, n = range.size(); i < n; ++i) own_.push_back(Value::integer(range.start + i * range.step));
        break;
    }
    default: runtime.fail("'{}' object is not iterable", type_name(of));
    }
    runtime.work(size() * sizeof(Value));
}

} // namespace quant::jinja
