// What a connection and the handler of its current request share: the bytes that wait for the peer,
// and how the reply stands.
//
// Everything is under one mutex. Handlers write from any thread and wake the I/O thread; the
// connection takes the bytes there. Once the reply is over (all sent, or the peer gone) the wake
// function is dropped, so a handler that keeps its Reply longer than the server lives does no harm.
#pragma once

#include "api_error.h"
#include "reply.h"

#include <mutex>
#include <optional>
#include <utility>
#include <vector>

namespace quantd {

class ReplyState {
public:
    /// What of the request decides how the reply is framed.
    struct Framing {
        bool head_only = false;  ///< HEAD: no body goes out.
        bool http10 = false;     ///< No chunks.
        bool keep_alive = false; ///< Otherwise "Connection: close".
        ApiStyle style = ApiStyle::own;
        Reply::Headers headers; ///< Added to every reply: request id, CORS.
    };
    using Callbacks = std::vector<std::function<void()>>;

    ReplyState(Framing framing, std::function<void()> wake) : framing_(std::move(framing)), wake_(std::move(wake)) {}

    // For the handler, from any thread; as reply.h says.
    void send(int status, std::string_view content_type, std::string body, const Reply::Headers &extra);
    void begin_stream(int status, std::string_view content_type, const Reply::Headers &extra);
    bool write(std::string chunk);
    void end();
    void abort();
    size_t backlog() const;
    void on_gone(std::function<void()> fn);
    void on_drained(size_t below, std::function<void()> fn);
    void upgrade(const std::string &protocol, const std::string &frame, std::vector<quant::Descriptor> descriptors);
    void dropped(); ///< The handler has let go of its Reply.

    // For the connection, on the I/O thread.
    /// The bytes to send next; they count as backlog until sent() says so. The memory of `spent`, bytes of before, is
    /// used again.
    std::string take(std::string spent = {});
    /// To go with the bytes of take(); and whether the answer was an upgrade.
    std::vector<quant::Descriptor> take_descriptors();
    bool upgraded() const;
    /// Callbacks to call now that the peer took `bytes`.
    Callbacks sent(size_t bytes);
    /// The peer is gone: nothing more will be sent. Callbacks to call. Empty the second time.
    Callbacks cut();
    /// The peer has taken nothing for too long: the stream ends with an error in its own manner, instead of what still
    /// waits, and is the connection's last. Callbacks to call, as cut(); nothing where no stream of events runs.
    std::optional<Callbacks> give_up(const ApiError &error);
    /// All of the answer is sent. From then on nothing calls back.
    bool complete() const;
    /// The handler has given all of the answer, though not all of it need be sent.
    bool ended() const;
    bool aborted() const;
    /// This reply is the connection's last; said in its head if that is not out yet.
    void close_after();
    bool keep_alive() const;
    int status() const;          ///< 0 before an answer has begun.
    uint64_t bytes_sent() const; ///< With heads and chunk frames.

private:
    enum class Phase { waiting, streaming, upgraded, ended };

    std::string head(int status, std::string_view content_type, const Reply::Headers &extra,
                     const std::string &framing);
    void queue(std::string_view bytes);
    void wake();
    using DrainedCallbacks = std::vector<std::pair<size_t, std::function<void()>>>;
    using Leftovers = std::pair<Callbacks, DrainedCallbacks>;
    Leftovers finish();
    void queue_chunk(std::string_view chunk);

    mutable std::mutex mutex_;
    Framing framing_;
    std::function<void()> wake_;
    Phase phase_ = Phase::waiting;
    bool gone_ = false, aborted_ = false, woken_ = false, chunked_ = false;
    int status_ = 0;
    std::string stream_type_; ///< The content type of a stream.
    std::string outgoing_;
    std::vector<quant::Descriptor> descriptors_;
    size_t backlog_ = 0;
    uint64_t sent_ = 0;
    Callbacks gone_callbacks_;
    DrainedCallbacks drained_callbacks_;
};

/// The Reply that goes to a handler.
ReplyPtr make_reply(std::shared_ptr<ReplyState> state);

} // namespace quantd
