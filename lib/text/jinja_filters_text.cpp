// Filters that make text. Where Jinja calls a method of str, so does this.
#include "text/jinja_native.h"
#include "text/jinja_operators.h"
#include "text/jinja_format.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>

namespace quant::jinja {

namespace {

// The value as a text, which stays safe if it was.
Value soft(Runtime &runtime, const Value &value) { return value.is_text() ? value : runtime.text(str(runtime, value)); }

Value call_method(Runtime &runtime, const Value &value, std::string_view name, Values arguments = {}) {
    const Value text = soft(runtime, value);
    return call_native(runtime, *find_text_method(name), {std::move(arguments), {}}, &text);
}

Value upper(Runtime &runtime, Bound &a) { return call_method(runtime, a[0], "upper"); }
Value lower(Runtime &runtime, Bound &a) { return call_method(runtime, a[0], "lower"); }
Value capitalize(Runtime &runtime, Bound &a) { return call_method(runtime, a[0], "capitalize"); }
Value string(Runtime &runtime, Bound &a) { return soft(runtime, a[0]); }

Value trim(Runtime &runtime, Bound &a) {
    return call_method(runtime, a[0], "strip", a.has_value(1) ? Values{a[1]} : Values{});
}

Value center(Runtime &runtime, Bound &a) {
    return call_method(runtime, a[0], "center", {a.has(1) ? a[1] : Value::integer(80)});
}

// Words begin behind white space and -([{<, unlike in str.title().
Value title(Runtime &runtime, Bound &a) {
    const Value value = soft(runtime, a[0]);
    const std::string_view text = value.text();
    runtime.work(text.size() * 4);
    std::string out;
    bool first = true;
    for (size_t at = 0; at < text.size();) {
        const unicode::Glyph g = unicode::read(text, at);
        const std::string_view glyph = text.substr(at, g.bytes);
        const bool breaks = unicode::is_space(g.code_point) || (g.code_point < 0x80 && std::string_view("-([{<").find(glyph[0]) != std::string_view::npos);
        out += first ? unicode::upper(glyph) : unicode::lower(glyph);
        first = breaks;
        at += g.bytes;
    }
    return runtime.text(std::move(out));
}

Value replace(Runtime &runtime, Bound &a) {
    std::string value, old, with;
    const std::string_view text = str_view(runtime, a[0], value);
    return runtime.text(replace_text(runtime, text, str_view(runtime, a[1], old), str_view(runtime, a[2], with),
                                     a.has_value(3) ? a.integer(3, -1) : -1));
}

Value safe(Runtime &runtime, Bound &a) { return runtime.text(str(runtime, a[0]), true); }

Value escape(Runtime &runtime, Bound &a) {
    if (a[0].is_markup()) return a[0];
    return runtime.text(escape_html(str(runtime, a[0])), true);
}

Value force_escape(Runtime &runtime, Bound &a) { return runtime.text(escape_html(str(runtime, a[0])), true); }

Value indent(Runtime &runtime, Bound &a) {
    const Value value = soft(runtime, a[0]);
    const bool first = a.truth(2, false), blank = a.truth(3, false);
    std::string by;
    if (a[1].is_text()) by = a[1].text();
    else by.assign(static_cast<size_t>(std::clamp<int64_t>(a.integer(1, 4), 0, 10'000)), ' ');
    runtime.work(value.text().size());
    // Jinja's filter splits the text with a line end added, so the last line counts too.
    const std::string text = value.text() + "\n";
    std::string out = first ? by : "";
    bool later = false;
    for (const std::string_view line : unicode::split_lines(text)) {
        if (std::exchange(later, true)) {
            out += '\n';
            if (blank || !line.empty()) out += by;
        }
        out += line;
        runtime.check_text(out.size());
        runtime.work(by.size() + line.size());
    }
    return runtime.text(std::move(out), value.is_markup());
}

Value word_count(Runtime &runtime, Bound &a) {
    const Value value = soft(runtime, a[0]);
    const std::string_view text = value.text();
    runtime.work(text.size() * 4);
    int64_t words = 0;
    bool inside = false;
    for (size_t at = 0; at < text.size();) {
        const unicode::Glyph g = unicode::read(text, at);
        const bool word = unicode::is_word(g.code_point);
        words += word && !inside;
        inside = word;
        at += g.bytes;
    }
    return Value::integer(words);
}

std::string quote_url(std::string_view text, bool keep_slash) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                           std::string_view("_.-~").find(c) != std::string_view::npos || (c == '/' && keep_slash);
        if (plain) out += c;
        else out += fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::string quote_query(std::string_view text) {
    std::string out = quote_url(text, false);
    for (size_t at = 0; (at = out.find("%20", at)) != std::string::npos;) out.replace(at, 3, 1, '+');
    return out;
}

Value url_encode(Runtime &runtime, Bound &a) {
    if (a[0].is_text() || !is_iterable(a[0])) return runtime.text(quote_url(str(runtime, a[0]), true));
    std::string out;
    const Value pairs = a[0].is(Kind::dict) ? Value(Kind::view, runtime.make<View>({a[0]}, a[0], View::Of::items)) : a[0];
    for (const Value &item : Items(runtime, pairs)) {
        const Items pair(runtime, item);
        if (pair.size() != 2) runtime.fail("urlencode expected pairs, found {} items", pair.size());
        if (!out.empty()) out += '&';
        out += quote_query(str(runtime, pair.all()[0])) + "=" + quote_query(str(runtime, pair.all()[1]));
        runtime.check_text(out.size());
    }
    return runtime.text(std::move(out));
}

Value format(Runtime &runtime, Bound &a) {
    if (!a.rest.empty() && !a.named.empty()) runtime.fail("format takes positional or named arguments, not both");
    const Value text = soft(runtime, a[0]);
    if (a.named.empty()) return percent_format(runtime, text, runtime.tuple(a.rest));
    auto named = runtime.new_dict();
    for (const auto &[name, value] : a.named) runtime.put(*named, name, value);
    return percent_format(runtime, text, Value(Kind::dict, std::move(named)));
}

// Comments and tags out, runs of white space to one space, entities back to characters.
Value strip_tags(Runtime &runtime, Bound &a) {
    const Value value = soft(runtime, a[0]);
    std::string text = value.text();
    runtime.work(text.size() * 4);
    const auto remove = [&text](std::string_view open, std::string_view close) {
        std::string out;
        size_t at = 0;
        for (size_t from = text.find(open); from != std::string::npos; from = text.find(open, at)) {
            const size_t to = text.find(close, from);
            if (to == std::string::npos) break;
            out += text.substr(at, from - at);
            at = to + close.size();
        }
        text = out + text.substr(at);
    };
    remove("<!--", "-->");
    remove("<", ">");
    std::string out;
    for (const Value &word : Items(runtime, call_method(runtime, runtime.text(text), "split"))) {
        if (!out.empty()) out += ' ';
        out += word.text();
    }
    constexpr std::pair<std::string_view, std::string_view> entities[] = {
        {"&lt;", "<"}, {"&gt;", ">"}, {"&#34;", "\""}, {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", "\u00A0"}, {"&amp;", "&"}};
    for (const auto &[entity, character] : entities) out = replace_text(runtime, out, entity, character, -1);
    return runtime.text(std::move(out));
}

Value truncate(Runtime &runtime, Bound &a) {
    const Value value = soft(runtime, a[0]);
    const int64_t length = a.integer(1, 255), leeway = a.has_value(4) ? a.integer(4, 5) : 5;
    const std::string end = a.has(3) ? a.text(3) : "...";
    const int64_t tail = static_cast<int64_t>(unicode::length(end));
    if (length < tail) runtime.fail("truncate: the length must be at least {}", tail);
    if (length_of(runtime, value) <= length + leeway) return value;
    const Value head = get_slice(runtime, value, Value::none(), Value::integer(length - tail), Value::none());
    std::string text = head.text();
    if (!a.truth(2, false))
        if (const size_t space = text.rfind(' '); space != std::string::npos) text.resize(space);
    return runtime.text(text + end, value.is_markup());
}

Value tojson(Runtime &runtime, Bound &a) {
    JsonStyle style;
    style.ascii = a.truth(1, false);
    style.sort_keys = a.truth(4, false);
    if (a.has_value(2)) {
        if (a[2].is_text()) style.indent = a[2].text();
        else style.indent = std::string(static_cast<size_t>(std::clamp<int64_t>(a.integer(2, 0), 0, 1000)), ' ');
        style.item_separator = ',';
    }
    if (a.has_value(3)) {
        const Items separators(runtime, a[3]);
        if (separators.size() != 2 || !separators.all()[0].is_text() || !separators.all()[1].is_text())
            runtime.fail("tojson expected two strings as separators");
        style.item_separator = separators.all()[0].text();
        style.key_separator = separators.all()[1].text();
    }
    return runtime.text(to_json(runtime, a[0], style));
}

constexpr Native text_filters[] = {
    {"upper", "value", &upper},
    {"lower", "value", &lower},
    {"capitalize", "value", &capitalize},
    {"title", "value", &title},
    {"trim", "value chars?", &trim},
    {"center", "value width?", &center},
    {"string", "value", &string},
    {"replace", "value old new count?", &replace},
    {"safe", "value", &safe},
    {"escape", "value", &escape},
    {"e", "value", &escape},
    {"forceescape", "value", &force_escape},
    {"indent", "value width? first? blank?", &indent},
    {"wordcount", "value", &word_count},
    {"urlencode", "value", &url_encode},
    {"format", "value * **", &format},
    {"striptags", "value", &strip_tags},
    {"truncate", "value length? killwords? end? leeway?", &truncate},
    {"tojson", "value ensure_ascii? indent? separators? sort_keys?", &tojson},
};

} // namespace

const Native *find_text_filter(std::string_view name) { return find_in(text_filters, name); }

} // namespace quant::jinja
