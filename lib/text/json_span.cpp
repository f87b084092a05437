// See the header.
#include "text/json_span.h"

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/bracket_scanner.h"
#include "text/mark_match.h"

namespace quant {

namespace {

/// The end of the value at `at`, which is inside an object or array.
size_t value_end(std::string_view text, size_t at) {
    if (text[at] == '{' || text[at] == '[') {
        BracketScanner(BracketScanner::Rules::json).scan(text, at);
        return at;
    }
    if (text[at] != '"') return std::min(text.find_first_of(",]} \t\r\n", at), text.size());
    for (++at; text[at] != '"'; ++at)
        if (text[at] == '\\') ++at;
    return at + 1;
}

std::string control_escape(char c) {
    if (c == '\n') return "\\n";
    return fmt::format("\\u{:04x}", static_cast<unsigned char>(c));
}

} // namespace

bool is_json(std::string_view text) {
    try {
        json::parse(text, "value");
        return true;
    } catch (const Error &) {
        return false;
    }
}

std::optional<std::string> json_mended(std::string_view text) {
    if (is_json(text)) return std::string(text);
    std::string out;
    bool in_string = false;
    for (size_t at = 0; at < text.size(); ++at) {
        const char c = text[at];
        if (in_string && c == '\\' && at + 1 < text.size())
            out += text[at++];
        else if (c == '"')
            in_string = !in_string;
        if (in_string && static_cast<unsigned char>(text[at]) < 0x20)
            out += control_escape(text[at]);
        else
            out += text[at];
    }
    if (!is_json(out)) return std::nullopt;
    return out;
}

std::vector<std::pair<std::string, std::string_view>> json_members(std::string_view object) {
    std::vector<std::pair<std::string, std::string_view>> out;
    for (size_t at = skip_blanks(object, 1); object[at] != '}';) {
        const size_t key_end = value_end(object, at);
        std::string key = *json_string_value(object.substr(at, key_end - at));
        const size_t begin = skip_blanks(object, skip_blanks(object, key_end) + 1); // past ":"
        const size_t end = value_end(object, begin);
        out.emplace_back(std::move(key), object.substr(begin, end - begin));
        at = skip_blanks(object, end);
        if (object[at] == ',') at = skip_blanks(object, at + 1);
    }
    return out;
}

std::vector<std::string_view> json_elements(std::string_view array) {
    std::vector<std::string_view> out;
    for (size_t at = skip_blanks(array, 1); array[at] != ']';) {
        const size_t end = value_end(array, at);
        out.push_back(array.substr(at, end - at));
        at = skip_blanks(array, end);
        if (array[at] == ',') at = skip_blanks(array, at + 1);
    }
    return out;
}

std::optional<std::string> json_string_value(std::string_view value) {
    if (!value.starts_with('"')) return std::nullopt;
    return std::string(json::parse(value, "string").get_string());
}

std::string json_quote(std::string_view text) {
    std::string out = "\"";
    for (size_t at = 0; at < text.size();) {
        const size_t n = utf8_sequence_length(text.substr(at));
        const unsigned char c = static_cast<unsigned char>(text[at]);
        if (n == 0)
            utf8_append(out, 0xFFFD);
        else if (c == '"' || c == '\\')
            (out += '\\') += text[at];
        else if (c == '\n')
            out += "\\n";
        else if (c < 0x20)
            out += fmt::format("\\u{:04x}", c);
        else
            out += text.substr(at, n);
        at += n ? n : 1;
    }
    return out += '"';
}

} // namespace quant
