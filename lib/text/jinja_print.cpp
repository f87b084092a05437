#include "text/jinja_print.h"

#include "text/jinja_ast.h"
#include "text/jinja_native.h"
#include "text/jinja_unicode.h"

#include <charconv>
#include <cmath>

namespace quant::jinja {

std::string real_repr(double d) {
    if (std::isnan(d)) return "nan";
    if (std::isinf(d)) return d < 0 ? "-inf" : "inf";
    char buffer[40];
    const auto end = std::to_chars(buffer, buffer + sizeof buffer, std::fabs(d), std::chars_format::scientific);
    const std::string_view text(buffer, static_cast<size_t>(end.ptr - buffer));
    const size_t e = text.find('e');
    std::string digits(1, text[0]);
    if (e > 2) digits += text.substr(2, e - 2);
    int exponent = 0;
    std::from_chars(text.data() + e + (text[e + 1] == '+' ? 2 : 1), text.data() + text.size(), exponent);
    const std::string sign = std::signbit(d) ? "-" : "";
    const int n = static_cast<int>(digits.size());
    if (exponent < -4 || exponent >= 16) {
        if (n > 1) digits.insert(1, 1, '.');
        return fmt::format("{}{}e{}{:02}", sign, digits, exponent < 0 ? '-' : '+', std::abs(exponent));
    }
    if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
    if (n <= exponent + 1) return sign + digits + std::string(static_cast<size_t>(exponent + 1 - n), '0') + ".0";
    return sign + digits.insert(static_cast<size_t>(exponent + 1), 1, '.');
}

namespace {

class Printer {
public:
    explicit Printer(Runtime &runtime) : runtime_(runtime) {}
    std::string out;

    void add(const Value &value) {
        const Runtime::Nesting nesting(runtime_);
        runtime_.work(16);
        switch (value.kind()) {
        case Kind::undefined: out += "Undefined"; break;
        case Kind::none: out += "None"; break;
        case Kind::boolean: out += value.as_boolean() ? "True" : "False"; break;
        case Kind::integer: out += std::to_string(value.as_integer()); break;
        case Kind::real: out += real_repr(value.as_real()); break;
        case Kind::text: quoted(value); break;
        case Kind::list: sequence("[", value.items(), "]"); break;
        case Kind::tuple: sequence("(", value.items(), value.items().size() == 1 ? ",)" : ")"); break;
        case Kind::dict: dict(value.as<Dict>()); break;
        case Kind::range: range(value.as<Range>()); break;
        case Kind::view: view(value); break;
        case Kind::space: space(value.as<Namespace>()); break;
        default: object(value);
        }
        runtime_.check_text(out.size());
    }

private:
    void sequence(std::string_view open, const Values &items, std::string_view close) {
        out += open;
        for (size_t i = 0; i < items.size(); ++i) {
            if (i > 0) out += ", ";
            add(items[i]);
        }
        out += close;
    }

    void dict(const Dict &dict) {
        out += '{';
        for (const auto &[key, value] : dict.entries()) {
            if (&key != &dict.entries().front().first) out += ", ";
            add(key);
            out += ": ";
            add(value);
        }
        out += '}';
    }

    void range(const Range &range) {
        out += fmt::format("range({}, {}", range.start, range.stop);
        out += range.step == 1 ? ")" : fmt::format(", {})", range.step);
    }

    void view(const Value &value) {
        out += type_name(value);
        sequence("([", Items(runtime_, value).all(), "])");
    }

    void space(const Namespace &space) {
        out += "<Namespace {";
        for (const auto &[name, value] : space.attributes) {
            if (&name != &space.attributes.front().first) out += ", ";
            out += '\'' + name + "': ";
            add(value);
        }
        out += "}>";
    }

    void object(const Value &value) {
        if (value.is(Kind::callable)) {
            const Callable &callable = value.as<Callable>();
            if (callable.macro) out += fmt::format("<Macro '{}'>", callable.macro->name);
            else out += fmt::format("<built-in function {}>", callable.native->name);
        } else if (value.is(Kind::loop)) {
            out += fmt::format("<LoopContext {}/{}>", value.as<Loop>().index + 1, value.as<Loop>().items.size());
        } else {
            out += fmt::format("<{} object>", type_name(value));
        }
    }

    void quoted(const Value &value) {
        const std::string &text = value.text();
        runtime_.work(text.size());
        runtime_.check_text(out.size() + text.size());
        const char quote = text.find('\'') != std::string::npos && text.find('"') == std::string::npos ? '"' : '\'';
        if (value.is_markup()) out += "Markup(";
        out += quote;
        for (size_t at = 0; at < text.size();) {
            const unicode::Glyph g = unicode::read(text, at);
            escaped(g.code_point, std::string_view(text).substr(at, g.bytes), quote);
            at += g.bytes;
        }
        out += quote;
        if (value.is_markup()) out += ")";
    }

    void escaped(uint32_t c, std::string_view glyph, char quote) {
        if (c == '\\' || c == static_cast<uint32_t>(quote)) out += '\\', out += glyph;
        else if (c == '\n') out += "\\n";
        else if (c == '\r') out += "\\r";
        else if (c == '\t') out += "\\t";
        else if (unicode::is_printable(c)) out += glyph;
        else if (c < 0x100) out += fmt::format("\\x{:02x}", c);
        else if (c < 0x10000) out += fmt::format("\\u{:04x}", c);
        else out += fmt::format("\\U{:08x}", c);
    }

    Runtime &runtime_;
};

} // namespace

std::string repr(Runtime &runtime, const Value &value) {
    Printer printer(runtime);
    printer.add(value);
    return std::move(printer.out);
}

std::string str(Runtime &runtime, const Value &value) {
    if (value.is_text()) return value.text();
    return value.is_undefined() ? std::string() : repr(runtime, value);
}

std::string_view str_view(Runtime &runtime, const Value &value, std::string &storage) {
    if (value.is_text()) return value.text();
    return storage = str(runtime, value);
}

} // namespace quant::jinja
