// The functions that every template sees, and the clock.
#include "text/jinja_native.h"
#include "text/jinja_operators.h"
#include "text/jinja_print.h"

#include <cstdio>
#include <ctime>
#include <locale.h>

namespace quant::jinja {

namespace {

Value raise_exception(Runtime &runtime, Bound &a) { runtime.fail("{}", str(runtime, a[0])); }

Value strftime_now(Runtime &runtime, Bound &a) { return runtime.text(format_now(runtime, a.text(0))); }

Value range(Runtime &runtime, Bound &a) {
    const bool one = !a.has(1);
    const int64_t start = one ? 0 : a.integer(0, 0), stop = one ? a.integer(0, 0) : a.integer(1, 0), step = a.integer(2, 1);
    if (step == 0) runtime.fail("range() arg 3 must not be zero");
    auto out = runtime.make<Range>({}, start, stop, step);
    const int64_t n = out->size();
    if (n < 0 || static_cast<uint64_t>(n) > runtime.limits().range_items)
        runtime.fail("range() of more than {} items", runtime.limits().range_items);
    return Value(Kind::range, std::move(out));
}

// What dict(...) and namespace(...) make of their arguments: a mapping or pairs, then names.
template <class Put>
void each_member(Runtime &runtime, Bound &a, Put &&put) {
    if (a.has(0) && a[0].is(Kind::dict)) {
        for (const auto &[key, value] : a[0].as<Dict>().entries()) put(key, value);
    } else if (a.has(0)) {
        for (const Value &item : Items(runtime, a[0])) {
            const Items pair(runtime, item);
            if (pair.size() != 2) runtime.fail("dict() expected pairs, found {} items", pair.size());
            require_hashable(runtime, pair.all()[0]);
            put(pair.all()[0], pair.all()[1]);
        }
    }
    for (auto &[name, value] : a.named) put(runtime.text(name), value);
}

Value dict(Runtime &runtime, Bound &a) {
    auto out = runtime.new_dict();
    each_member(runtime, a, [&](const Value &key, const Value &value) { runtime.put(*out, key, value); });
    return Value(Kind::dict, std::move(out));
}

Value make_namespace(Runtime &runtime, Bound &a) {
    auto &out = runtime.keep<Namespace>();
    each_member(runtime, a, [&](const Value &key, const Value &value) { out.set(str(runtime, key), value); });
    return Runtime::point_at(Kind::space, out);
}

Value cycler(Runtime &runtime, Bound &a) {
    if (a.rest.empty()) runtime.fail("cycler() needs at least one item");
    const Values parts = a.rest;
    return Value(Kind::cycler, runtime.make<Cycler>(parts, a.rest));
}

Value joiner(Runtime &runtime, Bound &a) {
    const Value separator = a.has(0) ? a[0] : runtime.text(", ");
    return Value(Kind::joiner, runtime.make<Joiner>({separator}, separator));
}

constexpr Native globals[] = {
    {"raise_exception", "message", &raise_exception},
    {"strftime_now", "format", &strftime_now},
    {"range", "start stop? step?", &range},
    {"dict", "mapping? **", &dict},
    {"namespace", "mapping? **", &make_namespace},
    {"cycler", "*", &cycler},
    {"joiner", "sep?", &joiner},
};

struct Moment {
    std::tm tm{};
    int microseconds = 0;
};

Moment clock_moment() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    Moment out;
    localtime_r(&now.tv_sec, &out.tm);
    out.microseconds = static_cast<int>(now.tv_nsec / 1000);
    return out;
}

Moment parse_moment(Runtime &runtime, const std::string &iso) {
    Moment out;
    std::tm &tm = out.tm;
    char separator = 'T';
    int read = 0;
    const int n = std::sscanf(iso.c_str(), "%4d-%2d-%2d%c%2d:%2d:%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &separator,
                              &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &read);
    constexpr int lengths[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool date = n >= 3 && tm.tm_year >= 1 && tm.tm_mon >= 1 && tm.tm_mon <= 12 && tm.tm_mday >= 1 && tm.tm_mday <= lengths[tm.tm_mon - 1];
    const bool time = n == 3 || (n == 7 && tm.tm_hour >= 0 && tm.tm_hour < 24 && tm.tm_min >= 0 && tm.tm_min < 60 && tm.tm_sec >= 0 && tm.tm_sec <= 60);
    if (!date || !time) runtime.fail("the time '{}' is not ISO 8601 (2026-03-14T15:09:26)", printable(iso, 60));
    int scale = 100'000;
    if (n == 7 && iso[static_cast<size_t>(read)] == '.')
        for (const char *c = iso.c_str() + read + 1; *c >= '0' && *c <= '9'; ++c, scale /= 10) out.microseconds += (*c - '0') * scale;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    tm.tm_isdst = -1;
    std::tm filled = tm;
    timegm(&filled); // for the weekday and the day of the year
    tm.tm_wday = filled.tm_wday;
    tm.tm_yday = filled.tm_yday;
    return out;
}

} // namespace

const Native *find_global(std::string_view name) { return find_in(globals, name); }

std::string format_now(Runtime &runtime, const std::string &format) {
    const Moment moment = runtime.now.empty() ? clock_moment() : parse_moment(runtime, runtime.now);
    if (format.size() > 1024) runtime.fail("a time format of more than 1024 bytes");
    // Python fills these in itself; a time without a zone has nothing for %z and %Z.
    std::string pattern;
    for (size_t i = 0; i < format.size(); ++i) {
        const char next = format[i] == '%' && i + 1 < format.size() ? format[i + 1] : '\0';
        if (next == 'f') pattern += fmt::format("{:06}", moment.microseconds), ++i;
        else if (next == 'z' || next == 'Z') ++i;
        else if (next == '%') pattern += "%%", ++i;
        else pattern += format[i];
    }
    static const locale_t plain = newlocale(LC_ALL_MASK, "C", nullptr);
    std::string out(16 * 1024, '\0');
    pattern += ' '; // so that nothing written means too long, never an empty result
    const size_t n = strftime_l(out.data(), out.size(), pattern.c_str(), &moment.tm, plain);
    if (n == 0) runtime.fail("a time format gives more than {} bytes", out.size());
    out.resize(n - 1);
    return out;
}

} // namespace quant::jinja
