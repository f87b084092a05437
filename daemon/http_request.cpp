#include "http_request.h"

#include <fmt/format.h>

#include <algorithm>

namespace quantd {

namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

int hex_digit(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    const char l = lower(c);
    return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

} // namespace

std::string Peer::name() const { return local ? fmt::format("uid {} pid {}", uid, pid) : address; }

std::string Peer::key() const { return local ? fmt::format("uid {}", uid) : address.substr(0, address.rfind(':')); }

bool same_word(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

bool percent_decode(std::string_view text, std::string &out) {
    out.clear();
    for (size_t i = 0; i < text.size(); ++i) {
        char c = text[i];
        if (c == '%') {
            if (text.size() - i < 3) return false;
            const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
            if (high < 0 || low < 0) return false;
            c = static_cast<char>(high * 16 + low);
            i += 2;
        }
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) return false;
        out += c;
    }
    return true;
}

std::string_view HttpRequest::header(std::string_view name) const {
    for (const auto &[key, value] : headers)
        if (same_word(key, name)) return value;
    return {};
}

bool HttpRequest::has_header(std::string_view name) const {
    return std::any_of(headers.begin(), headers.end(), [&](const auto &pair) { return same_word(pair.first, name); });
}

std::string_view HttpRequest::param(std::string_view name) const {
    for (const auto &[key, value] : params)
        if (key == name) return value;
    return {};
}

std::string HttpRequest::query_value(std::string_view name) const {
    std::string_view rest = query;
    while (!rest.empty()) {
        const size_t end = std::min(rest.find('&'), rest.size());
        const std::string_view pair = rest.substr(0, end);
        rest.remove_prefix(std::min(end + 1, rest.size()));
        const size_t equals = std::min(pair.find('='), pair.size());
        std::string value;
        if (pair.substr(0, equals) == name && equals < pair.size() && percent_decode(pair.substr(equals + 1), value))
            return value;
    }
    return {};
}

} // namespace quantd
