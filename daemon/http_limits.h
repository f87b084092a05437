// Every limit of the HTTP layer, in one place. A peer that crosses one is answered with the
// status named here, or cut; it never makes others wait and never makes the daemon grow.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace quantd {

using Seconds = std::chrono::duration<double>;

namespace limits {

// What one request may be made of.
inline constexpr size_t head_bytes = 16 * 1024;              ///< Request line and fields: 431.
inline constexpr size_t target_bytes = 8 * 1024;             ///< Path and query: 414.
inline constexpr size_t chunk_head_bytes = 8 * 1024;         ///< Size line of a chunk, and the trailer: 400.
inline constexpr uint64_t body_bytes = 64 * 1024;            ///< Unless the route says otherwise: 413.
inline constexpr uint64_t chat_body_bytes = 4 * 1024 * 1024; ///< For routes that take conversations.
inline constexpr uint64_t blob_bytes = uint64_t{1} << 40;    ///< For files of models, which go to disk.
inline constexpr size_t json_values = 100'000;               ///< Elements of one JSON body: 400.

// What one connection may hold.
inline constexpr unsigned requests_per_connection = 1000; ///< Then "Connection: close".
inline constexpr size_t pipelined_bytes = 64 * 1024;      ///< Kept while a reply is running; then no more is read.
inline constexpr size_t stream_buffer_bytes = 256 * 1024; ///< A handler parks its stream above this.
inline constexpr size_t sink_buffer_bytes = 1024 * 1024;  ///< Of a body that goes to disk; then no more is read.
inline constexpr size_t reply_bytes = 64 * 1024 * 1024;   ///< A reply that buffers more is cut.
inline constexpr int socket_send_bytes = 128 * 1024;      ///< So that a slow reader is noticed early.
inline constexpr size_t linger_bytes = 256 * 1024;        ///< Read and dropped behind a refused request.

// How many connections there may be.
inline constexpr size_t tcp_connections = 256;
inline constexpr size_t local_connections = 1024;
inline constexpr size_t connections_per_peer = 64; ///< By uid on the Unix socket, by address on TCP: 503.
inline constexpr unsigned uploads = 8;              ///< Bodies that go to disk, at a time: 503.
inline constexpr size_t leases_per_peer = 4096;     ///< Connections that have become leases, by uid.
/// Who connects to a full Unix socket without waiting, as many libraries do, is refused at once.
inline constexpr int listen_backlog = 1024;
inline constexpr uint64_t reserved_descriptors = 64; ///< Left for files and models below RLIMIT_NOFILE.

// Jobs on the catalog.
inline constexpr size_t jobs_waiting = 32; ///< Over it: 503.
inline constexpr size_t jobs_kept = 100;   ///< That have ended, for those who ask what became of them.

} // namespace limits

/// How long a peer may take. Tests shrink all of them by one factor.
struct TimeLimits {
    Seconds head{5};          ///< From the first byte of a request to the end of its fields: 408.
    Seconds body{10};         ///< For the body, and a second more for each ...
    double body_rate = 65536; ///< ... of these bytes: 408.
    Seconds idle{30};         ///< Between requests: closed without a word.
    Seconds idle_kept{2};     ///< Of that, for sure; then it may have to go for another connection.
    Seconds stall{30};        ///< A reply of which the peer takes nothing for so long is cut.
    Seconds linger{2};        ///< For the peer to read the answer to a refused request.
    Seconds drain{30};        ///< For running replies at the end.
    Seconds step{300};        ///< For one step of a model; then it hangs, and the watchdog is fed no more.

    /// All of them times `factor`.
    TimeLimits scaled(double factor) const {
        TimeLimits out = *this;
        for (Seconds *limit :
             {&out.head, &out.body, &out.idle, &out.idle_kept, &out.stall, &out.linger, &out.drain, &out.step})
            *limit *= factor;
        out.body_rate /= factor;
        return out;
    }
};

} // namespace quantd
