// One request out of the bytes of a connection: strict about its head (head_check.h), then Beast's
// parser for fields and chunks. It never takes more than belongs to the request, so what is left of
// the input is the next one's.
#pragma once

#include "head_check.h"
#include "http_request.h"

#include <cstdint>
#include <memory>
#include <optional>

namespace quantd {

/// Used by one connection on the I/O thread.
class RequestParser {
public:
    enum class State { head, body, done, failed };

    RequestParser();
    ~RequestParser();

    /// Take what can be taken from the front of `input`. Stops once after the head, in State::body
    /// or State::done, for the caller to look at it and to set the body's limit.
    State feed(std::string &input);
    State state() const;

    const HeadFault &fault() const; ///< With State::failed.
    /// Method, path, query and headers; the body with State::done. Valid after the head.
    HttpRequest &request();
    bool keep_alive() const;
    bool http10() const;
    bool expects_continue() const;
    bool has_body() const;                           ///< A body was announced that is not empty.
    std::optional<uint64_t> announced_bytes() const; ///< Content-Length, if there is one.
    uint64_t received_bytes() const;                 ///< Of the body, so far.
    /// What has come of the body since the last call, for bodies that are not to be held.
    std::string take_piece();
    /// A body that grows above it fails with 413.
    void limit_body(uint64_t bytes);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace quantd
