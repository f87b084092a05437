#include "router.h"

#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <stdexcept>

namespace quantd {

namespace {

std::string_view next_segment(std::string_view &rest) {
    rest.remove_prefix(1); // The slash.
    const size_t end = std::min(rest.find('/'), rest.size());
    const std::string_view segment = rest.substr(0, end);
    rest.remove_prefix(end);
    return segment;
}

bool is_param(std::string_view segment) {
    return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

bool matches(std::string_view pattern, std::string_view path, HttpRequest::Pairs &params) {
    params.clear();
    while (!pattern.empty() && !path.empty()) {
        const std::string_view wanted = next_segment(pattern);
        if (!is_param(wanted)) {
            if (next_segment(path) != wanted) return false;
        } else if (wanted.ends_with("...}")) {
            path.remove_prefix(1);
            params.emplace_back(wanted.substr(1, wanted.size() - 5), path);
            return !path.empty();
        } else {
            const std::string_view segment = next_segment(path);
            if (segment.empty()) return false;
            params.emplace_back(wanted.substr(1, wanted.size() - 2), segment);
        }
    }
    return pattern.empty() && path.empty();
}

void check_pattern(std::string_view pattern) {
    if (!pattern.starts_with('/')) throw std::logic_error(fmt::format("route {}: begins with no slash", pattern));
    std::string_view rest = pattern;
    while (!rest.empty())
        if (next_segment(rest).ends_with("...}") && !rest.empty())
            throw std::logic_error(fmt::format("route {}: something follows the rest", pattern));
}

} // namespace

void Router::add(Route route) {
    check_pattern(route.pattern);
    for (const Route &other : routes_)
        if (other.method == route.method && other.pattern == route.pattern)
            throw std::logic_error(fmt::format("route {} {} is there already", route.method, route.pattern));
    routes_.push_back(std::move(route));
}

Router::Match Router::find(std::string_view method, std::string_view path) const {
    Match match;
    HttpRequest::Pairs params;
    const auto allow = [&](std::string_view name) {
        if (match.allow.find(name) != std::string::npos) return;
        match.allow += match.allow.empty() ? std::string(name) : fmt::format(", {}", name);
    };
    if (!path.starts_with('/')) return match;
    for (const Route &route : routes_) {
        if (!matches(route.pattern, path, params)) continue;
        const bool exact = route.method == method;
        if (exact || (method == "HEAD" && route.method == "GET" && !match.route)) {
            match.route = &route;
            match.params = params;
        }
        if (exact) break;
        allow(route.method);
        if (route.method == "GET") allow("HEAD");
    }
    return match;
}

ApiStyle Router::style_of(const Match &match, std::string_view path) const {
    return match.route && match.route->style ? *match.route->style : style_of_path(path);
}

void send_error(Reply &reply, ApiStyle style, const ApiError &error) {
    reply.send(error.status, "application/json", render_error(style, error), error_headers(error));
}

void call_handler(const Route &route, ApiStyle style, RequestPtr request, ReplyPtr reply,
                  const std::function<void(const std::string &)> &report) {
    const std::string what = fmt::format("{} {}", route.method, route.pattern);
    try {
        route.handler(std::move(request), reply);
    } catch (const ApiError &error) {
        send_error(*reply, style, error);
    } catch (const std::bad_alloc &) {
        report(what + ": not enough memory");
        send_error(*reply, style, {503, "not enough memory for this request", "", "no_memory", "", 5, {}});
    } catch (const std::exception &error) {
        // The words may hold paths and the like: for the log, not for the peer.
        report(fmt::format("{}: {}", what, error.what()));
        send_error(*reply, style, {500, "internal error"});
    } catch (...) {
        report(what + ": an exception of unknown type");
        send_error(*reply, style, {500, "internal error"});
    }
}

} // namespace quantd
