#include "markup.h"

#include "output.h"

#include <fmt/format.h>

#include <cmath>

namespace quantctl {

namespace {

const char *entity_of(char c) {
    switch (c) {
    case '&': return "&amp;";
    case '<': return "&lt;";
    case '>': return "&gt;";
    case '"': return "&quot;";
    case '\'': return "&#39;";
    default: return nullptr;
    }
}

// U+FFFE and U+FFFF, which no XML document may hold, and the characters that turn the
// direction of what follows, by which a name could reorder the words around it.
bool is_harmful(std::string_view text) {
    if (text.starts_with("\xef\xbf")) return text.size() > 2 && static_cast<unsigned char>(text[2]) >= 0xbe;
    if (text.size() < 3 || text[0] != '\xe2') return false;
    const auto last = static_cast<unsigned char>(text[2]);
    return (text[1] == '\x80' && last >= 0xaa && last <= 0xae) || (text[1] == '\x81' && last >= 0xa6 && last <= 0xa9);
}

} // namespace

std::string escaped(std::string_view text) {
    std::string out;
    const std::string plain = harmless(text, true); // No control characters but newline and tab, only UTF-8.
    for (size_t i = 0; i < plain.size(); i++) {
        const std::string_view rest = std::string_view(plain).substr(i);
        if (const char *entity = entity_of(plain[i])) {
            out += entity;
        } else if (is_harmful(rest)) {
            out += "\ufffd";
            i += 2;
        } else {
            out += plain[i];
        }
    }
    return out;
}

std::string coordinate(double value) {
    std::string text = fmt::format("{:.2f}", std::isfinite(value) ? value : 0.0);
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
    return text == "-0" ? "0" : text;
}

void Markup::start(const char *name, Attributes attributes) {
    out_ += '<';
    out_ += name;
    for (const auto &[key, value] : attributes) out_ += fmt::format(" {}=\"{}\"", key, escaped(value.text()));
}

Markup &Markup::open(const char *name, Attributes attributes) {
    start(name, attributes);
    out_ += '>';
    open_.push_back(name);
    return *this;
}

Markup &Markup::close() {
    out_ += fmt::format("</{}>\n", open_.back());
    open_.pop_back();
    return *this;
}

Markup &Markup::leaf(const char *name, Attributes attributes) {
    start(name, attributes);
    out_ += "/>\n";
    return *this;
}

Markup &Markup::text(std::string_view text) {
    out_ += escaped(text);
    return *this;
}

Markup &Markup::element(const char *name, std::string_view content, Attributes attributes) {
    return open(name, attributes).text(content).close();
}

Markup &Markup::trusted(std::string_view markup) {
    out_ += markup;
    return *this;
}

} // namespace quantctl
