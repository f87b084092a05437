// The methods of list, tuple, dict, range, and of Jinja's loop, cycler and macros' kin.
// Methods that would change a list or a dict are absent: the sandbox refuses them.
#include "text/jinja_native.h"
#include "text/jinja_operators.h"

#include <algorithm>

namespace quant::jinja {

namespace {

template <View::Of which>
Value view(Runtime &runtime, Bound &a) { return Value(Kind::view, runtime.make<View>({a.self()}, a.self(), which)); }

Value get(Runtime &runtime, Bound &a) {
    require_hashable(runtime, a[0]);
    const Value *found = a.self().as<Dict>().find(a[0]);
    return found ? *found : a.has(1) ? a[1] : Value::none();
}

Value copy(Runtime &, Bound &a) { return a.self(); } // nothing changes, so one is as good as two

Value count(Runtime &runtime, Bound &a) {
    const Items items(runtime, a.self());
    return Value::integer(std::count_if(items.begin(), items.end(), [&](const Value &v) { return equal(runtime, v, a[0]); }));
}

Value index(Runtime &runtime, Bound &a) {
    const Items items(runtime, a.self());
    const int64_t n = static_cast<int64_t>(items.size()), from = a.integer(1, 0), to = a.integer(2, n);
    const auto clamp = [&](int64_t i) { return std::clamp<int64_t>(i < 0 ? i + n : i, 0, n); };
    for (int64_t i = clamp(from); i < clamp(to); ++i)
        if (equal(runtime, items.all()[static_cast<size_t>(i)], a[0])) return Value::integer(i);
    runtime.fail("index(): the value is not in the {}", type_name(a.self()));
}

Value loop_cycle(Runtime &runtime, Bound &a) {
    if (a.rest.empty()) runtime.fail("loop.cycle() needs at least one argument");
    return a.rest[a.self().as<Loop>().index % a.rest.size()];
}

Value loop_changed(Runtime &runtime, Bound &a) {
    const Loop &loop = a.self().as<Loop>();
    const bool same = loop.changed_before && std::equal(a.rest.begin(), a.rest.end(), loop.last_changed.begin(), loop.last_changed.end(),
                                                        [&](const Value &x, const Value &y) { return equal(runtime, x, y); });
    if (same) return Value::boolean(false);
    // A loop must not own itself.
    for (const Value &v : a.rest)
        if (v.nesting() > 0 && !v.is_text()) runtime.fail("loop.changed() takes only numbers and strings here");
    loop.last_changed = a.rest;
    loop.changed_before = true;
    return Value::boolean(true);
}

Value cycler_next(Runtime &, Bound &a) {
    const Cycler &cycler = a.self().as<Cycler>();
    const Value out = cycler.items[cycler.position];
    cycler.position = (cycler.position + 1) % cycler.items.size();
    return out;
}

Value cycler_reset(Runtime &, Bound &a) {
    a.self().as<Cycler>().position = 0;
    return Value::none();
}

constexpr Native dict_methods[] = {
    {"get", "key default?", &get},
    {"items", "", &view<View::Of::items>},
    {"keys", "", &view<View::Of::keys>},
    {"values", "", &view<View::Of::values>},
    {"copy", "", &copy},
};
constexpr Native list_methods[] = {{"copy", "", &copy}, {"count", "value", &count}, {"index", "value start? stop?", &index}};
constexpr Native tuple_methods[] = {{"count", "value", &count}, {"index", "value start? stop?", &index}};
constexpr Native loop_methods[] = {{"cycle", "*", &loop_cycle}, {"changed", "*", &loop_changed}};
constexpr Native cycler_methods[] = {{"next", "", &cycler_next}, {"reset", "", &cycler_reset}};

} // namespace

const Native *find_container_method(Kind kind, std::string_view name) {
    switch (kind) {
    case Kind::dict: return find_in(dict_methods, name);
    case Kind::list: return find_in(list_methods, name);
    case Kind::tuple:
    case Kind::range: return find_in(tuple_methods, name);
    case Kind::loop: return find_in(loop_methods, name);
    case Kind::cycler: return find_in(cycler_methods, name);
    default: return nullptr;
    }
}

} // namespace quant::jinja
