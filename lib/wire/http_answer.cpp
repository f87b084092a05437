#include "wire/http_answer.h"

#include "base/error.h"
#include "base/json.h"

#include <algorithm>
#include <charconv>

namespace quant::wire {

namespace {

std::string_view next_line(std::string_view &rest) {
    const size_t end = rest.find("\r\n");
    const std::string_view line = rest.substr(0, end);
    rest.remove_prefix(std::min(rest.size(), end + 2));
    return line;
}

std::string_view trimmed(std::string_view text) {
    const size_t first = text.find_first_not_of(" \t"), last = text.find_last_not_of(" \t");
    return first == std::string_view::npos ? std::string_view() : text.substr(first, last - first + 1);
}

int status_in(std::string_view line) {
    int status = 0;
    if (!line.starts_with("HTTP/1.") || line.size() < 12 || line[8] != ' ' ||
        std::from_chars(line.data() + 9, line.data() + 12, status).ptr != line.data() + 12 || status < 100)
        fail(QUANT_ERR_FORMAT, "the daemon's answer begins with \"{}\", expected HTTP/1.1 and a status", printable(line, 80));
    return status;
}

std::string member(const json::value &v, std::string_view key) {
    if (!v.is_object()) return {};
    const json::value *m = v.get_object().if_contains(key);
    return m && m->is_string() ? std::string(m->get_string()) : std::string();
}

} // namespace

std::string_view HttpAnswer::header(std::string_view name) const {
    for (const auto &[key, value] : headers)
        if (key == name) return value;
    return {};
}

std::optional<size_t> HttpAnswer::body_bytes(size_t most) const {
    const std::string_view text = header("content-length");
    size_t bytes = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), bytes);
    if (text.empty() || error != std::errc() || end != text.data() + text.size() || bytes > most) return std::nullopt;
    return bytes;
}

std::optional<HttpAnswer> parse_http_answer(std::string_view bytes) {
    const size_t end = bytes.find("\r\n\r\n");
    if (std::min(end, bytes.size()) > most_head_bytes)
        fail(QUANT_ERR_LIMIT, "the head of the daemon's answer is longer than {} bytes", most_head_bytes);
    if (end == std::string_view::npos) return std::nullopt;
    HttpAnswer out;
    out.head_bytes = end + 4;
    std::string_view rest = bytes.substr(0, end + 2);
    out.status = status_in(next_line(rest));
    while (!rest.empty()) {
        const std::string_view line = next_line(rest);
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos || colon == 0)
            fail(QUANT_ERR_FORMAT, "the daemon's answer has a line without a name: \"{}\"", printable(line, 80));
        std::string name(line.substr(0, colon));
        std::transform(name.begin(), name.end(), name.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
        out.headers.emplace_back(std::move(name), trimmed(line.substr(colon + 1)));
    }
    return out;
}

std::string percent_encoded(std::string_view text) {
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
                           c == '.' || c == '_' || c == '~';
        out += plain ? std::string(1, c) : fmt::format("%{:02X}", static_cast<unsigned char>(c));
    }
    return out;
}

std::pair<std::string, std::string> error_in(std::string_view body) {
    try {
        const json::value document = json::parse(body, "error");
        const json::value *error = document.is_object() ? document.get_object().if_contains("error") : nullptr;
        if (error) return {member(*error, "message"), member(*error, "code")};
    } catch (const Error &) {} // A daemon that says no reason.
    return {};
}

} // namespace quant::wire
