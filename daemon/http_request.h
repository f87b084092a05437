// A request as handlers see it: complete, checked, and free of sockets. It does not change
// once a handler has it, so any thread may read it.
#pragma once

#include <sys/types.h>

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace quantd {

/// Who is at the other end. Rights follow from uid and gids alone: a pid can be used again
/// and serves logs only.
struct Peer {
    bool local = false; ///< Over the Unix socket; what follows is known for it only.
    uid_t uid = static_cast<uid_t>(-1);
    gid_t gid = static_cast<gid_t>(-1);
    pid_t pid = 0;
    std::vector<gid_t> groups; ///< The supplementary ones, at the time of connect().
    std::string address;       ///< "127.0.0.1:40312" on TCP, else empty.

    /// "uid 1000 pid 4711" or the address, for logs.
    std::string name() const;
    /// What connections are counted by: the uid, or the address without the port.
    std::string key() const;
};

class BodySink;

struct HttpRequest {
    using Pairs = std::vector<std::pair<std::string, std::string>>;

    std::string method;
    std::string path;  ///< Percent-decoded.
    std::string query; ///< What follows the '?', as sent.
    Pairs headers;     ///< In the order sent.
    Pairs params;      ///< What the {names} of the route's pattern stand for.
    std::string body;
    std::shared_ptr<BodySink> sink; ///< What took the body, where the route has one; the body is empty then.
    Peer peer;
    bool admin = false; ///< The peer may call admin routes.
    std::string id;     ///< Also sent back as X-Request-Id.

    /// Value of the first header of that name, in any case; empty where there is none.
    std::string_view header(std::string_view name) const;
    bool has_header(std::string_view name) const;
    /// Text of a {name} in the route's pattern; empty where there is none.
    std::string_view param(std::string_view name) const;
    /// Percent-decoded value of name=value in the query; empty where there is none.
    std::string query_value(std::string_view name) const;
};

/// Whether two header names or media types are the same but for ASCII case.
bool same_word(std::string_view a, std::string_view b);

/// `text` with %XX decoded; false where an escape is broken or stands for a control byte.
bool percent_decode(std::string_view text, std::string &out);

} // namespace quantd
