#include "connection.h"

#include <boost/asio/buffer.hpp>
#include <boost/asio/post.hpp>

#include <fmt/format.h>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>

namespace quantd {

namespace asio = boost::asio;
using boost::system::error_code;

Connection::Connection(ConnectionHost &host, Socket socket, Peer peer)
    : host_(host),
      socket_(std::move(socket)),
      deadline_(host.io),
      peer_(std::move(peer)) {}

void Connection::start() {
    error_code ignored;
    socket_.set_option(asio::socket_base::send_buffer_size(limits::socket_send_bytes), ignored);
    if (!peer_.local) watch_for_vanished_peer();
    arm(host_.times.idle);
    await_readable();
}

// One whose machine went without a word is noticed even while it waits for an answer and nothing is sent.
void Connection::watch_for_vanished_peer() {
    const int on = 1, seconds = std::max(1, static_cast<int>(host_.times.idle.count())),
              between = std::max(1, seconds / 3), probes = 3;
    const int fd = socket_.native_handle();
    ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &seconds, sizeof seconds);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &between, sizeof between);
    ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

void WakeList::add(std::weak_ptr<Connection> connection) {
    bool first = false;
    {
        const std::lock_guard lock(mutex_);
        first = waiting_.empty();
        waiting_.push_back(std::move(connection));
    }
    if (first) asio::post(io_, [this] { flush_all(); });
}

void WakeList::flush_all() {
    {
        const std::lock_guard lock(mutex_);
        std::swap(waiting_, flushed_);
    }
    for (const auto &weak : flushed_)
        if (const auto connection = weak.lock()) connection->flush();
    flushed_.clear();
}

// ---- Reading

void Connection::await_readable() {
    if (reading_ || half_closed_ || phase_ == Phase::closed) return;
    // Past the cap nothing more is read ahead; a peer that goes for good is then seen as an error.
    const bool full = phase_ == Phase::replying && input_.size() >= limits::pipelined_bytes;
    reading_ = true;
    socket_.async_wait(full ? asio::socket_base::wait_error : asio::socket_base::wait_read,
                       [self = shared_from_this(), full](error_code error) {
                           self->reading_ = false;
                           if (error || self->phase_ == Phase::closed) return;
                           if (full && self->phase_ == Phase::replying) return self->peer_left(true);
                           self->on_readable();
                       });
}

void Connection::on_readable() {
    error_code error;
    const size_t bytes = socket_.read_some(asio::buffer(host_.scratch), error);
    if (error == asio::error::would_block || error == asio::error::interrupted) return await_readable();
    if (error) return peer_left(error != asio::error::eof);
    if (phase_ == Phase::lent) return close(false); // Nothing is said over a lease.
    if (phase_ == Phase::lingering) {
        lingered_ += bytes;
        return lingered_ > limits::linger_bytes ? close(false) : await_readable();
    }
    input_.append(host_.scratch.data(), bytes);
    if (phase_ == Phase::replying) return await_readable();
    advance();
}

// As far as the bytes at hand go: through the head, the body, up to the handler.
void Connection::advance() {
    if (phase_ == Phase::idle) {
        phase_ = Phase::head;
        began_ = std::chrono::steady_clock::now();
        arm(host_.times.head);
    }
    RequestParser::State state = parser_->feed(input_);
    if (phase_ == Phase::head && (state == RequestParser::State::body || state == RequestParser::State::done)) {
        if (!admit()) return;
        phase_ = Phase::body;
        if (match_.route->sink && !open_sink()) return;
        if (state == RequestParser::State::body) {
            if (!ask_for_body()) return;
            state = parser_->feed(input_);
        }
    }
    if (sink_) {
        if (std::string piece = parser_->take_piece(); !piece.empty()) sink_->take(std::move(piece));
        if (const auto failure = sink_->failure()) return refuse(*failure, "body");
    }
    if (state == RequestParser::State::failed) {
        const HeadFault fault = parser_->fault();
        if (phase_ == Phase::head) style_ = style_of_path(input_.substr(std::min(input_.find('/'), input_.size()), 5));
        return refuse({fault.status, fault.message}, fault.cause);
    }
    if (state == RequestParser::State::done) return dispatch();
    if (phase_ == Phase::body) arm_for_body();
    if (sink_ && sink_->backlog() > limits::sink_buffer_bytes) return await_room();
    await_readable();
}

// A body must come at a least rate as a whole; one that goes to disk, and may be large, must not stand still either.
void Connection::arm_for_body() {
    const double bytes = static_cast<double>(parser_->announced_bytes().value_or(parser_->received_bytes()));
    const Seconds whole = host_.times.body + Seconds(bytes / host_.times.body_rate);
    const Seconds left = whole - (std::chrono::steady_clock::now() - began_);
    arm(sink_ ? std::min(left, host_.times.stall) : left);
}

// Until the sink has dealt with what it has. Meanwhile the peer waits for us, so it has no deadline.
void Connection::await_room() {
    disarm();
    sink_->on_room(limits::sink_buffer_bytes / 2, [weak = weak_from_this(), &io = host_.io] {
        asio::post(io, [weak] {
            if (const auto self = weak.lock(); self && self->phase_ == Phase::body) self->advance();
        });
    });
}

// ---- From a head to a handler

// Everything that can be said of a request before its body is read. False: it is refused.
bool Connection::admit() {
    HttpRequest &request = parser_->request();
    request.peer = peer_;
    request.admin = may_administer(*host_.rules, peer_);
    request.id = fmt::format("{}{:x}", host_.id_prefix, ++host_.next_id);
    record_.method = request.method;
    record_.path = request.path;
    match_ = host_.router.find(request.method, request.path);
    style_ = host_.router.style_of(match_, request.path);
    began_ = std::chrono::steady_clock::now();
    ++requests_;
    if (const auto refusal = check_request()) {
        refuse(refusal->error, refusal->cause);
        return false;
    }
    if (request.method == "OPTIONS" && request.has_header("Origin") && !match_.route) {
        begin_reply(parser_->keep_alive() && !parser_->has_body());
        reply_->send(204, "", "", {});
        return false;
    }
    return true;
}

std::optional<Refusal> Connection::check_request() {
    const HttpRequest &request = parser_->request();
    if (!peer_.local && !parser_->http10() && !request.has_header("Host"))
        return Refusal{{400, "HTTP/1.1 needs a Host header"}, "malformed"};
    if (auto refusal = check_caller(*host_.rules, request)) return refusal;
    if (host_.draining) {
        ApiError error{503, "the daemon is stopping", "", "draining"};
        error.retry_after = 5;
        return Refusal{std::move(error), "draining"};
    }
    if (!match_.route) {
        if (match_.allow.empty()) return Refusal{{404, "there is no " + request.path}, "no_route"};
        if (request.method == "OPTIONS" && request.has_header("Origin")) return std::nullopt;
        ApiError error{405, fmt::format("{} takes {} only", request.path, match_.allow)};
        error.headers = {{"Allow", match_.allow}};
        return Refusal{std::move(error), "method"};
    }
    if (auto refusal = check_route(*host_.rules, *match_.route, request, parser_->has_body())) return refusal;
    const uint64_t limit = match_.route->body_limit;
    if (parser_->announced_bytes().value_or(0) > limit)
        return Refusal{{413, fmt::format("the body is longer than the {} bytes this endpoint takes", limit)}, "body"};
    if (parser_->expects_continue() && !same_word(request.header("Expect"), "100-continue"))
        return Refusal{{417, "only Expect: 100-continue is known"}, "expect"};
    return std::nullopt;
}

// False: the body is not wanted.
bool Connection::open_sink() {
    parser_->request().params = match_.params;
    try {
        sink_ = match_.route->sink(parser_->request(), parser_->announced_bytes());
        return true;
    } catch (const ApiError &error) {
        refuse(error, "body");
    } catch (const std::exception &error) {
        host_.report(fmt::format("{} {}: {}", match_.route->method, match_.route->pattern, error.what()));
        refuse({500, "internal error"}, "body");
    }
    return false;
}

// Sets what the body is held to, and tells a peer that waits for leave to send it. False: it is gone.
bool Connection::ask_for_body() {
    parser_->limit_body(match_.route->body_limit);
    if (!parser_->expects_continue() || parser_->http10() || !input_.empty()) return true;
    static constexpr std::string_view go_on = "HTTP/1.1 100 Continue\r\n\r\n";
    // All earlier replies have been taken, so these few bytes fit or the peer is not to be waited for.
    error_code error;
    if (socket_.write_some(asio::buffer(go_on), error) == go_on.size()) return true;
    close(true);
    return false;
}

void Connection::begin_reply(bool keep_alive) {
    disarm();
    phase_ = Phase::replying;
    ReplyState::Framing framing;
    framing.head_only = record_.method == "HEAD";
    framing.http10 = parser_->state() != RequestParser::State::head && parser_->http10();
    framing.keep_alive = keep_alive && !host_.draining && requests_ < limits::requests_per_connection;
    framing.style = style_;
    if (!parser_->request().id.empty()) framing.headers.emplace_back("X-Request-Id", parser_->request().id);
    for (auto &header : cors_headers(*host_.rules, parser_->request())) framing.headers.push_back(std::move(header));
    reply_ = std::make_shared<ReplyState>(std::move(framing), [weak = weak_from_this(), &list = host_.wake_list] {
        list.add(weak);
    });
}

// The connection goes on only where it is sure where the next request begins.
void Connection::refuse(const ApiError &error, const std::string &cause) {
    ++host_.metrics.refused[cause];
    sink_.reset();
    record_.id = parser_->request().id;
    const bool whole = parser_->state() == RequestParser::State::done;
    begin_reply(whole && parser_->keep_alive());
    reply_->send(error.status, "application/json", render_error(style_, error), error_headers(error));
    await_readable();
}

void Connection::dispatch() {
    begin_reply(parser_->keep_alive());
    record_.id = parser_->request().id;
    parser_->request().params = std::move(match_.params);
    parser_->request().sink = std::move(sink_);
    auto request = std::make_shared<const HttpRequest>(std::move(parser_->request()));
    call_handler(*match_.route, style_, std::move(request), make_reply(reply_), host_.report);
    await_readable();
}

// ---- Writing

// Woken by the handler, on the I/O thread.
void Connection::flush() {
    if (writing_ || phase_ != Phase::replying) return;
    if (reply_->aborted()) return cut();
    output_ = reply_->take(std::move(output_));
    written_ = 0;
    if (!output_.empty()) {
        descriptors_ = reply_->take_descriptors();
        if (!descriptors_.empty() && !host_.lent(*this)) return cut();
        is_lease_ = !descriptors_.empty();
        return write_more();
    }
    for (const auto &call : reply_->sent(0)) call();
    settle();
}

// Where all of the answer is sent, the connection goes on to what comes next.
void Connection::settle() {
    if (phase_ == Phase::replying && reply_->upgraded()) {
        phase_ = Phase::lent;
        host_.metrics.count_request(reply_->status());
        input_ = {}, output_ = {};
        return await_readable();
    }
    if (phase_ != Phase::replying || !reply_->complete()) return;
    for (const auto &call : reply_->sent(0)) call(); // It may have ended since all was sent: then this is what lets it go.
    finish_reply();
}

void Connection::write_more() {
    if (!descriptors_.empty() || !write_at_once()) return wait_to_write();
    if (phase_ == Phase::replying && reply_->aborted()) return cut();
    disarm();
    settle();
}

// Mostly a peer takes all that there is: then no deadline is set and nothing is waited for. False: something is left.
bool Connection::write_at_once() {
    error_code error;
    const size_t bytes = socket_.write_some(asio::buffer(output_.data() + written_, output_.size() - written_), error);
    if (error) return false; // Also of a peer that is gone, which is noticed next.
    written_ += bytes;
    count_sent(bytes);
    return written_ == output_.size();
}

void Connection::count_sent(size_t bytes) {
    host_.metrics.bytes_sent += bytes;
    for (const auto &call : reply_->sent(bytes)) call();
}

void Connection::wait_to_write() {
    // Progress earns a peer more time, unless a stream's handler is parked: then it must catch up.
    if (!armed_ || reply_->ended() || reply_->backlog() <= limits::stream_buffer_bytes) arm(host_.times.stall);
    writing_ = true;
    if (!descriptors_.empty()) {
        socket_.async_wait(asio::socket_base::wait_write, [self = shared_from_this()](error_code error) {
            self->writing_ = false;
            if (self->phase_ != Phase::replying) return;
            if (error || !self->send_descriptors()) return self->peer_left(true);
            if (self->written_ < self->output_.size()) return self->wait_to_write();
            self->disarm();
            self->flush();
        });
        return;
    }
    socket_.async_write_some(asio::buffer(output_.data() + written_, output_.size() - written_),
                             [self = shared_from_this()](error_code error, size_t bytes) {
                                 self->writing_ = false;
                                 if (self->phase_ != Phase::replying) return;
                                 if (error) return self->peer_left(true);
                                 self->written_ += bytes;
                                 self->count_sent(bytes);
                                 if (self->reply_->aborted()) return self->cut();
                                 if (self->written_ < self->output_.size()) return self->wait_to_write();
                                 self->disarm();
                                 self->flush();
                             });
}

// The first bytes of the output, and all descriptors with them. False: the peer is gone, or takes none.
bool Connection::send_descriptors() {
    iovec part{output_.data(), output_.size()};
    std::vector<char> control(CMSG_SPACE(descriptors_.size() * sizeof(int)));
    msghdr message{};
    message.msg_iov = &part, message.msg_iovlen = 1;
    message.msg_control = control.data(), message.msg_controllen = control.size();
    cmsghdr *head = CMSG_FIRSTHDR(&message);
    head->cmsg_level = SOL_SOCKET, head->cmsg_type = SCM_RIGHTS;
    head->cmsg_len = CMSG_LEN(descriptors_.size() * sizeof(int));
    for (size_t i = 0; i < descriptors_.size(); i++) {
        const int fd = descriptors_[i].get();
        std::memcpy(CMSG_DATA(head) + i * sizeof fd, &fd, sizeof fd);
    }
    const ssize_t sent = ::sendmsg(socket_.native_handle(), &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0) return errno == EAGAIN || errno == EINTR;
    descriptors_.clear();
    written_ += static_cast<size_t>(sent);
    count_sent(static_cast<size_t>(sent));
    return true;
}

void Connection::finish_reply() {
    log_reply(true);
    const bool keep = reply_->keep_alive() && !host_.draining && !half_closed_;
    reply_.reset();
    output_ = {};
    record_ = {};
    style_ = ApiStyle::own;
    if (!keep) return linger();
    parser_ = std::make_unique<RequestParser>();
    phase_ = Phase::idle;
    arm(host_.times.idle);
    if (!input_.empty()) return advance();
    input_ = {};
    await_readable();
}

void Connection::log_reply(bool complete) {
    record_.status = reply_->status() ? reply_->status() : 499;
    record_.bytes = reply_->bytes_sent();
    record_.seconds = Seconds(std::chrono::steady_clock::now() - began_).count();
    record_.complete = complete;
    record_.peer = peer_.name();
    if (complete)
        host_.metrics.count_request(record_.status);
    else
        ++host_.metrics.gone;
    if (host_.access_log) host_.access_log(record_);
}

// ---- Endings

// Not for sure: it has sent all it will send. It may still read, if the answer is on its way already.
void Connection::peer_left(bool for_sure) {
    if (phase_ == Phase::replying && !for_sure && reply_->ended()) {
        half_closed_ = true;
        return;
    }
    close(false);
}

void Connection::arm(Seconds limit) {
    deadline_.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    armed_ = true;
    deadline_.async_wait([weak = weak_from_this(), id = ++deadline_id_](error_code error) {
        const auto self = weak.lock();
        if (!error && self && self->armed_ && self->deadline_id_ == id) self->on_deadline();
    });
}

void Connection::disarm() {
    armed_ = false;
    deadline_.cancel();
}

void Connection::on_deadline() {
    switch (phase_) {
    case Phase::head:
        return refuse({408, "the request's head took too long"}, "slow_head");
    case Phase::body:
        return refuse({408, "the request's body took too long"}, "slow_body");
    case Phase::replying:
        ++host_.metrics.refused["slow_reader"];
        return give_up();
    default:
        return close(false);
    }
}

// A reader of events is told why they end, and has once more the time to take it.
void Connection::give_up() {
    const auto calls = reply_->give_up({.status = 408, .message = "the reader was too slow", .code = "slow_reader"});
    if (!calls) return cut();
    arm(host_.times.stall);
    for (const auto &call : *calls) call();
}

// Closing with unread bytes would reset the connection, and the peer could lose the answer. So what it
// still sends is read and dropped for a moment.
void Connection::linger() {
    phase_ = Phase::lingering;
    error_code error;
    socket_.shutdown(asio::socket_base::shutdown_send, error);
    if (half_closed_ || error) return close(false);
    input_ = {};
    arm(host_.times.linger);
    await_readable();
}

Seconds Connection::idle_for() const {
    error_code error;
    if (phase_ != Phase::idle || socket_.available(error) != 0 || error) return Seconds(0);
    return host_.times.idle - (deadline_.expiry() - std::chrono::steady_clock::now());
}

void Connection::drain() {
    if (phase_ == Phase::idle || phase_ == Phase::lent) return close(false);
    if (reply_) reply_->close_after();
}

void Connection::cut() { close(true); }

void Connection::close(bool reset) {
    if (phase_ == Phase::closed) return;
    const auto self = shared_from_this();
    const bool replying = phase_ == Phase::replying || phase_ == Phase::lent;
    phase_ = Phase::closed;
    sink_.reset();
    disarm();
    error_code ignored;
    if (reset) socket_.set_option(asio::socket_base::linger(true, 0), ignored);
    socket_.close(ignored);
    if (replying) {
        log_reply(is_lease_);
        for (const auto &call : reply_->cut()) call();
    }
    if (host_.closed) host_.closed(*this);
}

} // namespace quantd
