#include "head_check.h"

#include "http_limits.h"
#include "http_request.h"

#include <algorithm>

namespace quantd {

namespace {

bool is_token_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           (c != '\0' && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos);
}

bool is_token(std::string_view text) { return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char); }

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

HeadFault bad(std::string message, const char *cause = "malformed", int status = 400) {
    return {status, cause, std::move(message)};
}

// Bytes that have no place in any line of a head: controls but the tab, and line ends that are not CRLF.
HeadFault check_bytes(std::string_view input) {
    for (size_t i = 0; i < input.size(); ++i) {
        const auto byte = static_cast<unsigned char>(input[i]);
        if (byte == '\r') {
            if (i + 1 < input.size() && input[i + 1] != '\n')
                return bad("a carriage return without a line feed", "smuggling");
        } else if (byte == '\n') {
            if (i == 0 || input[i - 1] != '\r') return bad("a line feed without a carriage return", "smuggling");
        } else if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return bad("a control byte in the request's head", "smuggling");
        }
    }
    return {};
}

HeadFault check_request_line(std::string_view line) {
    const size_t first = line.find(' '), last = line.rfind(' ');
    if (first == std::string_view::npos || first == last) return bad("the first line is not METHOD /path HTTP/1.1");
    const std::string_view target = line.substr(first + 1, last - first - 1), version = line.substr(last + 1);
    if (!is_token(line.substr(0, first)) || first > 32) return bad("the request's method is not a token");
    if (version != "HTTP/1.1" && version != "HTTP/1.0")
        return version.starts_with("HTTP/") ? bad("only HTTP/1.0 and HTTP/1.1 are spoken here", "version", 505)
                                            : bad("the first line does not end with HTTP/1.1");
    if (target.size() > limits::target_bytes) return bad("the request's target is longer than 8 KiB", "target", 414);
    if (!target.starts_with('/')) return bad("the request's target is not a path", "smuggling");
    const bool plain =
        std::all_of(target.begin(), target.end(), [](char c) { return c > 0x20 && c < 0x7f && c != '#'; });
    return plain ? HeadFault{} : bad("the request's target has a byte that no URL has");
}

struct Framing {
    unsigned lengths = 0, encodings = 0, hosts = 0;
};

HeadFault check_field(std::string_view line, Framing &framing) {
    if (line.front() == ' ' || line.front() == '\t') return bad("a folded header line", "smuggling");
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) return bad("a header line without a colon");
    const std::string_view name = line.substr(0, colon);
    if (!is_token(name)) return bad("a header name that is not a token", "smuggling");
    std::string_view value = line.substr(colon + 1);
    while (!value.empty() && (value.front() == ' ' || value.front() == '\t')) value.remove_prefix(1);
    while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) value.remove_suffix(1);
    if (same_word(name, "Content-Length")) {
        if (framing.lengths++) return bad("more than one Content-Length", "smuggling");
        if (!is_digits(value) || value.size() > 18) return bad("Content-Length is not a number", "smuggling");
    } else if (same_word(name, "Transfer-Encoding")) {
        if (framing.encodings++) return bad("more than one Transfer-Encoding", "smuggling");
        if (!same_word(value, "chunked")) return bad("only Transfer-Encoding: chunked is known", "smuggling");
    } else if (same_word(name, "Host")) {
        if (framing.hosts++) return bad("more than one Host", "smuggling");
    }
    return {};
}

} // namespace

size_t head_length(std::string_view input) {
    const size_t end = input.find("\r\n\r\n");
    return end == std::string_view::npos ? 0 : end + 4;
}

HeadFault check_partial_head(std::string_view input) {
    if (HeadFault fault = check_bytes(input)) return fault;
    if (input.size() > limits::head_bytes) return bad("the request's head is longer than 16 KiB", "head", 431);
    if (input.find("\r\n") == std::string_view::npos && input.size() > limits::target_bytes + 64)
        return bad("the request's target is longer than 8 KiB", "target", 414);
    return {};
}

HeadFault check_head(std::string_view head) {
    if (head.size() > limits::head_bytes) return bad("the request's head is longer than 16 KiB", "head", 431);
    if (HeadFault fault = check_bytes(head)) return fault;
    size_t at = head.find("\r\n");
    const std::string_view first = head.substr(0, at);
    if (HeadFault fault = check_request_line(first)) return fault;
    Framing framing;
    for (at += 2; at + 2 < head.size();) {
        const size_t end = head.find("\r\n", at);
        if (HeadFault fault = check_field(head.substr(at, end - at), framing)) return fault;
        at = end + 2;
    }
    const bool old = first.ends_with("HTTP/1.0");
    if (framing.encodings && framing.lengths) return bad("both Content-Length and Transfer-Encoding", "smuggling");
    if (framing.encodings && old) return bad("Transfer-Encoding in HTTP/1.0", "smuggling");
    return {};
}

} // namespace quantd
