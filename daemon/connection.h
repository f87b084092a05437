// One connection: requests in, one at a time, replies out.
//
// Lives on the I/O thread. It goes idle -> head -> body -> replying and back to idle, or ends through
// lingering, where the answer to a refused request is given time to be read. In every phase there is
// one deadline, and something always waits on the socket, so that a peer that leaves is noticed.
//
// A connection reads with plain recv(): descriptors a peer sends along (SCM_RIGHTS) are then closed by
// the kernel before anybody has them.
#pragma once

#include "access_log.h"
#include "access_rules.h"
#include "http_limits.h"
#include "http_metrics.h"
#include "reply_state.h"
#include "request_parser.h"

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include <memory>
#include <mutex>
#include <vector>

namespace quantd {

class Connection;

/// Connections that have something to send: however many are told of, one job of the I/O thread sees to them.
class WakeList {
public:
    explicit WakeList(boost::asio::io_context &io) : io_(io) {}

    /// Threads: any.
    void add(std::weak_ptr<Connection> connection);

private:
    void flush_all();

    boost::asio::io_context &io_;
    std::mutex mutex_;
    std::vector<std::weak_ptr<Connection>> waiting_;
    std::vector<std::weak_ptr<Connection>> flushed_; ///< Kept for its memory.
};

/// What all connections share; owned by the server, on the I/O thread.
struct ConnectionHost {
    boost::asio::io_context &io;
    const Router &router;
    std::shared_ptr<const AccessRules> rules;
    TimeLimits times;
    HttpMetrics metrics = {};
    WakeList wake_list{io};
    std::vector<char> scratch = std::vector<char>(64 * 1024); ///< Idle connections own no buffer.
    bool draining = false;
    std::string id_prefix = {}; ///< Of this run of the daemon.
    uint64_t next_id = 0;
    std::function<void(const AccessRecord &)> access_log = {};
    std::function<void(const std::string &)> report = {}; ///< What went wrong inside, for the log.
    std::function<void(Connection &)> closed = {};
    /// A connection became a lease: it no longer counts as one that asks. False: there are too many.
    std::function<bool(Connection &)> lent = {};
};

class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Socket = boost::asio::generic::stream_protocol::socket;

    Connection(ConnectionHost &host, Socket socket, Peer peer);

    void start();
    /// Send what the reply's handler has queued.
    void flush();
    /// Close now if idle, else after the reply that is running.
    void drain();
    /// Close at once; what is running hears that its peer is gone.
    void cut();
    const Peer &peer() const { return peer_; }
    /// How long it has been between requests; zero where it is not, or where bytes of one are there to be read.
    Seconds idle_for() const;
    /// Whether it is a lease now.
    bool is_lease() const { return is_lease_; }

private:
    enum class Phase { idle, head, body, replying, lent, lingering, closed };

    void watch_for_vanished_peer();
    void await_readable();
    void on_readable();
    void advance();
    bool admit();
    std::optional<Refusal> check_request();
    bool open_sink();
    bool ask_for_body();
    void arm_for_body();
    void await_room();
    void begin_reply(bool keep_alive);
    void refuse(const ApiError &error, const std::string &cause);
    void dispatch();
    bool send_descriptors();
    void write_more();
    bool write_at_once();
    void wait_to_write();
    void count_sent(size_t bytes);
    void settle();
    void finish_reply();
    void log_reply(bool complete);
    void peer_left(bool for_sure);
    void arm(Seconds limit);
    void disarm();
    void on_deadline();
    void give_up();
    void linger();
    void close(bool reset);

    ConnectionHost &host_;
    Socket socket_;
    boost::asio::steady_timer deadline_;
    uint64_t deadline_id_ = 0; ///< Tells a deadline that fired from one that was moved meanwhile.
    bool armed_ = false;
    const Peer peer_;
    Phase phase_ = Phase::idle;
    std::string input_;
    std::unique_ptr<RequestParser> parser_ = std::make_unique<RequestParser>();
    Router::Match match_;
    ApiStyle style_ = ApiStyle::own;
    std::chrono::steady_clock::time_point began_;
    AccessRecord record_;
    std::shared_ptr<BodySink> sink_; ///< Until the handler has it.
    std::shared_ptr<ReplyState> reply_;
    std::string output_;
    size_t written_ = 0, lingered_ = 0;
    std::vector<quant::Descriptor> descriptors_; ///< That go with the first byte of the output.
    unsigned requests_ = 0;
    bool is_lease_ = false, reading_ = false, writing_ = false, half_closed_ = false;
};

} // namespace quantd
