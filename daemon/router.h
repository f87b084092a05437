// The table of routes: what each endpoint is called, who may call it, how much it may be sent.
// Filled before the server runs and constant from then on.
#pragma once

#include "api_error.h"
#include "body_sink.h"
#include "http_limits.h"
#include "reply.h"

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quantd {

/// The members that the JSON body of a route may have; those of objects in it as "options.temperature". What a
/// handler reads is in its table (request_fields.h), and the OpenAPI document has the same.
using FieldTable = std::span<const std::string_view>;

/// Makes what takes a body. `announced`: its length, where the peer says it. Throws ApiError.
using SinkMaker = std::function<std::shared_ptr<BodySink>(const HttpRequest &, std::optional<uint64_t> announced)>;

struct Route {
    std::string method;  ///< "GET" answers HEAD too, unless there is a "HEAD" of the same pattern.
    std::string pattern; ///< "/v1/models/{id...}": {x} is one segment, {x...} the rest with its slashes.
    Handler handler;
    uint64_t body_limit = limits::body_bytes;
    bool admin = false;    ///< Over the Unix socket only, by root, the daemon's user or the admin group.
    bool any_type = false; ///< The body need not be JSON (blobs).
    std::optional<ApiStyle> style = std::nullopt; ///< By the path unless set.
    FieldTable fields = {};                       ///< Of its JSON body.
    SinkMaker sink = nullptr;                     ///< For bodies that are not to be held in memory.
};

class Router {
public:
    struct Match {
        const Route *route = nullptr; ///< Null where none matches.
        HttpRequest::Pairs params;
        std::string allow; ///< Not empty: the path exists, for these methods.
    };

    /// Throws std::logic_error on a pattern that cannot match or is there already.
    void add(Route route);
    /// `path` is percent-decoded.
    Match find(std::string_view method, std::string_view path) const;
    ApiStyle style_of(const Match &match, std::string_view path) const;
    const std::vector<Route> &routes() const { return routes_; }

private:
    std::vector<Route> routes_;
};

/// Call the route's handler; what it throws becomes the reply: ApiError as it says, std::bad_alloc
/// 503, anything else 500. `report` hears of what was not an ApiError.
void call_handler(const Route &route, ApiStyle style, RequestPtr request, ReplyPtr reply,
                  const std::function<void(const std::string &)> &report);

/// Send `error` in the shape of `style`.
void send_error(Reply &reply, ApiStyle style, const ApiError &error);

} // namespace quantd
