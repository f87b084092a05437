// Who may talk to the daemon at all, before any handler: the guards against web pages (Host, Origin,
// Content-Type), strangers on TCP (token) and users without rights (admin routes).
//
// Pure functions of a request and these rules; a reload replaces the rules whole.
#pragma once

#include "api_error.h"
#include "http_request.h"
#include "router.h"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quantd {

struct AccessRules {
    std::vector<std::string> hosts;   ///< Names to be called by on TCP, besides localhost.
    std::vector<std::string> origins; ///< Web origins whose pages may call; "*" stands for any text.
    std::string token;                ///< What TCP peers must bear; empty: none is asked for.
    std::optional<gid_t> admin_gid;   ///< The group that may call admin routes, with root and the daemon's user.
};

/// A refusal, and the word it is counted under.
struct Refusal {
    ApiError error;
    std::string cause;
};

/// Host, Origin and token. To be asked before the route is looked at, so that strangers learn nothing.
std::optional<Refusal> check_caller(const AccessRules &rules, const HttpRequest &request);
/// Rights and the type of the body. `has_body`: whether one was announced.
std::optional<Refusal> check_route(const AccessRules &rules, const Route &route, const HttpRequest &request,
                                   bool has_body);

/// What a browser must be told so that a page of an allowed origin may read the reply; empty for others.
HttpRequest::Pairs cors_headers(const AccessRules &rules, const HttpRequest &request);

/// Time depends on the length of `given` alone.
bool same_secret(std::string_view given, std::string_view wanted);
/// "[::1]:80" is named "[::1]", "Localhost:80" "localhost". Empty for what is no host.
std::string host_name(std::string_view host);
/// `pattern` with "*" for any text.
bool matches_pattern(std::string_view pattern, std::string_view text);
bool may_administer(const AccessRules &rules, const Peer &peer);

} // namespace quantd
