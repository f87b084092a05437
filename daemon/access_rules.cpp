#include "access_rules.h"

#include <unistd.h>

#include <algorithm>

namespace quantd {

namespace {

constexpr const char *loopback_names[] = {"localhost", "127.0.0.1", "[::1]"};

bool known_host(const AccessRules &rules, std::string_view host) {
    const std::string name = host_name(host);
    if (name.empty()) return false;
    const auto same = [&](std::string_view other) { return name == host_name(other); };
    return std::any_of(std::begin(loopback_names), std::end(loopback_names), same) ||
           std::any_of(rules.hosts.begin(), rules.hosts.end(), same);
}

bool known_origin(const AccessRules &rules, std::string_view origin) {
    return std::any_of(rules.origins.begin(), rules.origins.end(),
                       [&](const std::string &pattern) { return matches_pattern(pattern, origin); });
}

bool bears_token(const AccessRules &rules, const HttpRequest &request) {
    const std::string_view given = request.header("Authorization");
    return given.size() > 7 && same_word(given.substr(0, 7), "Bearer ") && same_secret(given.substr(7), rules.token);
}

// What a page of any site may post without asking first (the "simple" types) is never taken over TCP;
// curl's own, which says nothing about the body, is taken where web pages cannot reach.
bool good_type(const HttpRequest &request) {
    std::string_view type = request.header("Content-Type");
    type = type.substr(0, std::min(type.find(';'), type.size()));
    while (!type.empty() && type.back() == ' ') type.remove_suffix(1);
    return same_word(type, "application/json") ||
           (request.peer.local && (type.empty() || same_word(type, "application/x-www-form-urlencoded")));
}

} // namespace

std::string host_name(std::string_view host) {
    size_t end = 0;
    if (host.starts_with('[')) {
        end = host.find(']');
        if (end == std::string_view::npos) return {};
        ++end;
    } else {
        end = std::min(host.find(':'), host.size());
    }
    const std::string_view port = host.substr(end);
    if (!port.empty() && (port.size() > 6 || port.substr(1).find_first_not_of("0123456789") != std::string_view::npos ||
                          port.front() != ':'))
        return {};
    std::string name(host.substr(0, end));
    if (name.ends_with('.')) name.pop_back();
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return name;
}

bool matches_pattern(std::string_view pattern, std::string_view text) {
    const size_t star = pattern.find('*');
    if (star == std::string_view::npos) return same_word(pattern, text);
    const std::string_view before = pattern.substr(0, star), after = pattern.substr(star + 1);
    if (text.size() < before.size() || !same_word(before, text.substr(0, before.size()))) return false;
    for (size_t skip = before.size(); skip <= text.size(); ++skip)
        if (matches_pattern(after, text.substr(skip))) return true;
    return false;
}

bool same_secret(std::string_view given, std::string_view wanted) {
    unsigned difference = given.size() == wanted.size() && !wanted.empty() ? 0 : 1;
    for (size_t i = 0; i < given.size(); ++i) {
        const char other = wanted.empty() ? '\0' : wanted[i % wanted.size()];
        difference |= static_cast<unsigned char>(given[i]) ^ static_cast<unsigned char>(other);
    }
    return difference == 0;
}

bool may_administer(const AccessRules &rules, const Peer &peer) {
    if (!peer.local) return false;
    if (peer.uid == 0 || peer.uid == ::geteuid()) return true;
    return rules.admin_gid && (peer.gid == *rules.admin_gid || std::find(peer.groups.begin(), peer.groups.end(),
                                                                         *rules.admin_gid) != peer.groups.end());
}

std::optional<Refusal> check_caller(const AccessRules &rules, const HttpRequest &request) {
    if (!request.peer.local && !known_host(rules, request.header("Host")))
        return Refusal{{421, "this daemon is not called by that Host; see the setting \"hosts\""}, "host"};
    if (request.has_header("Origin") && !known_origin(rules, request.header("Origin")))
        return Refusal{{403, "web pages of that Origin may not call; see the setting \"origins\""}, "origin"};
    const bool asks_leave = request.method == "OPTIONS" && request.has_header("Origin"); // Bears no token, ever.
    if (!request.peer.local && !rules.token.empty() && !asks_leave && !bears_token(rules, request)) {
        ApiError error{401, "a bearer token is needed here", "", "invalid_api_key"};
        error.headers = {{"WWW-Authenticate", "Bearer"}};
        return Refusal{std::move(error), "token"};
    }
    return std::nullopt;
}

std::optional<Refusal> check_route(const AccessRules &rules, const Route &route, const HttpRequest &request,
                                   bool has_body) {
    if (route.admin && !may_administer(rules, request.peer))
        return Refusal{{403, request.peer.local
                                 ? "only root, the daemon's own user and members of the admin group may do this"
                                 : "this can be done over the Unix socket only"},
                       "rights"};
    if (has_body && !route.any_type && !good_type(request))
        return Refusal{{415, "the body's Content-Type must be application/json"}, "type"};
    return std::nullopt;
}

HttpRequest::Pairs cors_headers(const AccessRules &rules, const HttpRequest &request) {
    const std::string_view origin = request.header("Origin");
    if (origin.empty() || !known_origin(rules, origin)) return {};
    HttpRequest::Pairs headers = {{"Access-Control-Allow-Origin", std::string(origin)}, {"Vary", "Origin"}};
    if (request.method == "OPTIONS") {
        headers.emplace_back("Access-Control-Allow-Methods", "GET, HEAD, POST, DELETE");
        // OpenAI's SDK sends a family of x-stainless-*; what the page asked for is what it gets.
        const std::string_view wanted = request.header("Access-Control-Request-Headers");
        headers.emplace_back("Access-Control-Allow-Headers", wanted.empty() ? "authorization, content-type" : wanted);
        headers.emplace_back("Access-Control-Max-Age", "600");
    }
    return headers;
}

} // namespace quantd
