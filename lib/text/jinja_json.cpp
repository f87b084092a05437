// json.dumps() as the transformers library's tojson filter calls it.
#include "text/jinja_native.h"
#include "text/jinja_print.h"
#include "text/jinja_unicode.h"

#include <algorithm>
#include <cmath>

namespace quant::jinja {

namespace {

class Dumper {
public:
    Dumper(Runtime &runtime, const JsonStyle &style) : runtime_(runtime), style_(style) {}
    std::string out;

    void add(const Value &value) {
        const Runtime::Nesting nesting(runtime_);
        runtime_.work(16);
        switch (value.kind()) {
        case Kind::text: quoted(value.text()); break;
        case Kind::list:
        case Kind::tuple: array(value.items()); break;
        case Kind::dict: object(value.as<Dict>()); break;
        default: out += scalar(value);
        }
        runtime_.check_text(out.size());
    }

private:
    std::string scalar(const Value &value) {
        switch (value.kind()) {
        case Kind::none: return "null";
        case Kind::boolean: return value.as_boolean() ? "true" : "false";
        case Kind::integer: return std::to_string(value.as_integer());
        case Kind::real:
            if (std::isnan(value.as_real())) return "NaN";
            if (std::isinf(value.as_real())) return value.as_real() < 0 ? "-Infinity" : "Infinity";
            return real_repr(value.as_real());
        default: runtime_.fail("Object of type {} is not JSON serializable", type_name(value));
        }
    }

    // On a line of its own where there is an indent.
    void new_line() {
        if (!style_.indent) return;
        runtime_.check_text(out.size() + style_.indent->size() * level_);
        runtime_.work(style_.indent->size() * level_);
        out += '\n';
        for (size_t i = 0; i < level_; ++i) out += *style_.indent;
    }

    template <class Range, class Member>
    void members(char open, const Range &range, char close, Member &&member) {
        out += open;
        ++level_;
        bool first = true;
        for (const auto &item : range) {
            if (!std::exchange(first, false)) out += style_.item_separator;
            new_line();
            member(item);
        }
        --level_;
        if (!first) new_line();
        out += close;
    }

    void array(const Values &items) {
        members('[', items, ']', [&](const Value &item) { add(item); });
    }

    void object(const Dict &dict) {
        std::vector<const std::pair<Value, Value> *> entries;
        for (const auto &entry : dict.entries()) entries.push_back(&entry);
        if (style_.sort_keys)
            std::stable_sort(entries.begin(), entries.end(),
                             [&](auto *a, auto *b) { return order(runtime_, a->first, b->first, "<") < 0; });
        members('{', entries, '}', [&](const auto *entry) {
            const Value &key = entry->first;
            if (!key.is_text() && !key.is_number() && !key.is_none())
                runtime_.fail("keys must be str, int, float, bool or None, not {}", type_name(key));
            quoted(key.is_text() ? key.text() : scalar(key));
            out += style_.key_separator;
            add(entry->second);
        });
    }

    void quoted(std::string_view text) {
        runtime_.work(text.size());
        runtime_.check_text(out.size() + text.size());
        out += '"';
        for (size_t at = 0; at < text.size();) {
            const unicode::Glyph g = unicode::read(text, at);
            character(g.code_point, text.substr(at, g.bytes));
            at += g.bytes;
        }
        out += '"';
    }

    void character(uint32_t c, std::string_view glyph) {
        static constexpr std::string_view special = "\"\\\n\r\t\f\b", letters = "\"\\nrtfb";
        if (const size_t i = c < 0x80 ? special.find(static_cast<char>(c)) : std::string_view::npos; i != std::string_view::npos) {
            out += '\\';
            out += letters[i];
        } else if (c < 0x20 || (style_.ascii && c > 0x7E && c < 0x10000)) {
            out += c == 0x7F ? std::string(glyph) : fmt::format("\\u{:04x}", c);
        } else if (style_.ascii && c >= 0x10000) {
            out += fmt::format("\\u{:04x}\\u{:04x}", 0xD800 + ((c - 0x10000) >> 10), 0xDC00 + ((c - 0x10000) & 0x3FF));
        } else {
            out += glyph;
        }
    }

    Runtime &runtime_;
    const JsonStyle &style_;
    size_t level_ = 0;
};

} // namespace

std::string to_json(Runtime &runtime, const Value &value, const JsonStyle &style) {
    Dumper dumper(runtime, style);
    dumper.add(value);
    return std::move(dumper.out);
}

} // namespace quant::jinja
