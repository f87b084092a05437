// The answer to one request, in the hands of its handler: whole at once with send(), or piece by
// piece between begin_stream() and end().
//
// Every method may be called from any thread and none blocks; the bytes leave on the I/O thread.
// Exactly one answer is given to every request: a second send() is ignored, and a handler that
// lets go of its Reply without any makes the daemon say 500.
#pragma once

#include "http_request.h"

#include "base/file.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace quantd {

class Reply {
public:
    using Headers = HttpRequest::Pairs;

    virtual ~Reply() = default;

    /// The whole answer. To HEAD, everything but the body goes out.
    virtual void send(int status, std::string_view content_type, std::string body, const Headers &extra = {}) = 0;

    /// Begin an answer whose length is not known yet; chunked, or up to the close for HTTP/1.0.
    virtual void begin_stream(int status, std::string_view content_type, const Headers &extra = {}) = 0;
    /// Queue bytes of a stream. False once the peer is gone (or no stream is open): stop working.
    virtual bool write(std::string chunk) = 0;
    /// The stream is complete. What is queued still goes out.
    virtual void end() = 0;
    /// Cut the connection at once, so that the peer cannot take what it has for complete.
    virtual void abort() = 0;

    /// Bytes the peer has not taken yet. Above limits::stream_buffer_bytes the handler parks its work.
    virtual size_t backlog() const = 0;

    /// Have `fn` called once when the peer disconnects or the daemon cuts it before the answer is
    /// complete: on the I/O thread, or at once on this one where it has happened. Must not block.
    virtual void on_gone(std::function<void()> fn) = 0;
    /// Have `fn` called once when backlog() is below `below`: on the I/O thread, or at once on this
    /// one where it is so already. Not called for a peer that is gone. Must not block.
    virtual void on_drained(size_t below, std::function<void()> fn) = 0;

    /// Answer 101, and then `frame`, with whose bytes the descriptors go (Unix sockets only). From then on the connection
    /// says nothing and lasts until the peer ends it, which on_gone() tells.
    virtual void upgrade(std::string protocol, std::string frame, std::vector<quant::Descriptor> descriptors) = 0;
};

using RequestPtr = std::shared_ptr<const HttpRequest>;
using ReplyPtr = std::shared_ptr<Reply>;

/// Called on the I/O thread; must not block. An exception becomes an error reply.
using Handler = std::function<void(RequestPtr, ReplyPtr)>;

} // namespace quantd
