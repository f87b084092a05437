// Where a body goes that is too large to be held: piece by piece, as it comes.
#pragma once

#include "api_error.h"

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>

namespace quantd {

/// One body. Used on the I/O thread, so nothing here blocks. Destroyed without the handler having been called, the
/// request came to nothing, and nothing is kept of it.
class BodySink {
public:
    virtual ~BodySink() = default;
    virtual void take(std::string piece) = 0;
    /// Bytes taken and not yet dealt with. Above limits::sink_buffer_bytes no more is read of the peer.
    virtual size_t backlog() const = 0;
    /// Have `fn` called once when backlog() is below `below` or the body has failed: on any thread, or at once on
    /// this one where it is so already. Never after this object is gone. Must not block.
    virtual void on_room(size_t below, std::function<void()> fn) = 0;
    /// Why no more of the body is wanted.
    virtual std::optional<ApiError> failure() const = 0;
};

} // namespace quantd
