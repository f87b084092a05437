#include "server.h"

#include "connection.h"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/signal_set.hpp>

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <random>
#include <unordered_set>

namespace quantd {

namespace asio = boost::asio;
using boost::system::error_code;

namespace {

constexpr auto accept_pause = std::chrono::milliseconds(100); // Where descriptors have run out.
constexpr unsigned accepts_at_once = 32;                      // Then others have their turn.

constexpr std::string_view too_many =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nContent-Length: 74\r\nRetry-After: 1\r\n"
    "Connection: close\r\n\r\n"
    "{\"error\":{\"message\":\"too many connections\",\"code\":\"too_many_connections\"}}";

// A peer that cannot take these few bytes at once goes without.
void send_too_many(int fd) {
    [[maybe_unused]] const auto sent = ::send(fd, too_many.data(), too_many.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
}

Peer local_peer(int fd) {
    Peer peer;
    peer.local = true;
    ucred credentials{};
    socklen_t size = sizeof credentials;
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0) {
        peer.uid = credentials.uid;
        peer.gid = credentials.gid;
        peer.pid = credentials.pid;
    }
    gid_t groups[64];
    size = sizeof groups;
    // Whoever is in more groups than these has the rights of his uid and first group alone.
    if (::getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &size) == 0)
        peer.groups.assign(groups, groups + size / sizeof *groups);
    return peer;
}

Peer tcp_peer(const sockaddr_storage &address) {
    Peer peer;
    char text[INET6_ADDRSTRLEN] = "?";
    if (address.ss_family == AF_INET) {
        const auto &v4 = reinterpret_cast<const sockaddr_in &>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text, sizeof text);
        peer.address = fmt::format("{}:{}", text, ntohs(v4.sin_port));
    } else {
        const auto &v6 = reinterpret_cast<const sockaddr_in6 &>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text, sizeof text);
        peer.address = fmt::format("[{}]:{}", text, ntohs(v6.sin6_port));
    }
    return peer;
}

// So that ids of two runs, or of two daemons, do not meet in one log.
std::string random_prefix() { return fmt::format("req-{:08x}-", std::random_device{}()); }

} // namespace

struct Server::Impl {
    struct Listener {
        Listener(asio::io_context &io, ListenSocket from) : fd(io, from.fd.release()), pause(io), local(from.local) {}
        asio::posix::stream_descriptor fd;
        asio::steady_timer pause;
        bool local;
    };
    struct Ticker {
        asio::steady_timer timer;
        Seconds period;
        std::function<void()> fn;
    };
    struct Signal {
        Signal(asio::io_context &io, int number, std::function<void()> call) : set(io, number), fn(std::move(call)) {}
        asio::signal_set set;
        std::function<void()> fn;
    };

    asio::io_context io{1};
    ConnectionHost host;
    std::vector<std::unique_ptr<Listener>> listeners;
    std::unordered_set<std::shared_ptr<Connection>> connections;
    std::map<std::string, size_t> per_peer, leases_per_peer;
    std::vector<std::unique_ptr<Ticker>> tickers;
    std::vector<std::unique_ptr<Signal>> signals;
    asio::steady_timer drain_deadline{io};
    quant::Descriptor spare; ///< Given up for a moment where accept() finds no descriptor left.
    uint64_t descriptor_limit = 0;

    Impl(ServerOptions options, const Router &router);
    void open_spare() { spare = quant::Descriptor(::open("/dev/null", O_RDONLY | O_CLOEXEC)); }
    void await_connection(Listener &listener);
    void accept_some(Listener &listener);
    void pause(Listener &listener);
    void refuse_for_want_of_descriptors(Listener &listener);
    void take(bool local, quant::Descriptor fd, Peer peer);
    const char *reason_to_refuse(bool local, const std::string &key);
    bool make_place(bool local);
    void forget(Connection &connection);
    bool count_as_lease(Connection &connection);
    void take_from_peer(Connection &connection);
    void await_signal(Signal &signal);
    void await_tick(Ticker &ticker);
    void stop_if_drained();
    void cut_all();
};

Server::Impl::Impl(ServerOptions options, const Router &router)
    : host{io, router, std::make_shared<const AccessRules>(std::move(options.rules)), options.times} {
    host.id_prefix = random_prefix();
    host.access_log = std::move(options.access_log);
    host.report = options.report ? std::move(options.report) : [](const std::string &) {};
    host.lent = [this](Connection &connection) { return count_as_lease(connection); };
    host.closed = [this](Connection &connection) { forget(connection); };
    rlimit files{};
    ::getrlimit(RLIMIT_NOFILE, &files);
    descriptor_limit = files.rlim_cur > 2 * limits::reserved_descriptors ? files.rlim_cur - limits::reserved_descriptors
                                                                         : files.rlim_cur / 2;
    open_spare();
    for (ListenSocket &socket : options.sockets) listeners.push_back(std::make_unique<Listener>(io, std::move(socket)));
    for (const auto &listener : listeners) await_connection(*listener);
}

void Server::Impl::await_connection(Listener &listener) {
    listener.fd.async_wait(asio::posix::stream_descriptor::wait_read, [this, &listener](error_code error) {
        if (!error && !host.draining) accept_some(listener);
    });
}

void Server::Impl::accept_some(Listener &listener) {
    for (unsigned i = 0; i < accepts_at_once; ++i) {
        sockaddr_storage address{};
        socklen_t size = sizeof address;
        quant::Descriptor fd(::accept4(listener.fd.native_handle(), reinterpret_cast<sockaddr *>(&address), &size,
                                       SOCK_NONBLOCK | SOCK_CLOEXEC));
        if (!fd) {
            if (errno == EAGAIN) break;
            if (errno == EMFILE || errno == ENFILE) return refuse_for_want_of_descriptors(listener);
            if (errno == ENOBUFS || errno == ENOMEM) return pause(listener);
            continue; // This one connection failed before it was taken.
        }
        // The kernel gives the lowest number that is free, so the number tells how many are in use.
        if (static_cast<uint64_t>(fd.get()) >= descriptor_limit) {
            ++host.metrics.refused["descriptors"];
            send_too_many(fd.get());
            fd.reset();
            return pause(listener);
        }
        const int number = fd.get();
        take(listener.local, std::move(fd), listener.local ? local_peer(number) : tcp_peer(address));
    }
    await_connection(listener);
}

// Without this the connection would stay in the backlog, and the loop would be told of it again and again.
void Server::Impl::refuse_for_want_of_descriptors(Listener &listener) {
    ++host.metrics.refused["descriptors"];
    spare.reset();
    const quant::Descriptor victim(::accept4(listener.fd.native_handle(), nullptr, nullptr, SOCK_CLOEXEC));
    pause(listener);
}

void Server::Impl::pause(Listener &listener) {
    listener.pause.expires_after(accept_pause);
    listener.pause.async_wait([this, &listener](error_code error) {
        if (error || host.draining) return;
        if (!spare) open_spare();
        await_connection(listener);
    });
}

const char *Server::Impl::reason_to_refuse(bool local, const std::string &key) {
    const auto found = per_peer.find(key);
    if (found != per_peer.end() && found->second >= limits::connections_per_peer) return "connections_of_peer";
    const bool full =
        local ? host.metrics.open_local >= limits::local_connections : host.metrics.open_tcp >= limits::tcp_connections;
    return full && !make_place(local) ? "connections" : nullptr;
}

// Where all places are taken, a connection that does nothing goes for one that may: of the peer that has most, the
// one that has been idle longest. One that has just come may have its request on the way.
bool Server::Impl::make_place(bool local) {
    Connection *chosen = nullptr;
    size_t most = 0;
    Seconds longest{0};
    for (const auto &connection : connections) {
        if (connection->peer().local != local) continue;
        const Seconds idle = connection->idle_for();
        const size_t held = per_peer[connection->peer().key()];
        if (idle < host.times.idle_kept || held < most || (held == most && idle <= longest)) continue;
        chosen = connection.get(), most = held, longest = idle;
    }
    if (!chosen) return false;
    ++host.metrics.refused["idle_for_place"];
    chosen->drain();
    return true;
}

void Server::Impl::take(bool local, quant::Descriptor fd, Peer peer) {
    const std::string key = peer.key();
    if (const char *cause = reason_to_refuse(local, key)) {
        ++host.metrics.refused[cause];
        send_too_many(fd.get());
        return;
    }
    Connection::Socket socket(io);
    error_code error;
    int family = AF_UNIX;
    socklen_t size = sizeof family;
    ::getsockopt(fd.get(), SOL_SOCKET, SO_DOMAIN, &family, &size);
    socket.assign(asio::generic::stream_protocol(family, 0), fd.get(), error);
    if (error) return;
    fd.release();
    socket.non_blocking(true, error);
    ++(local ? host.metrics.accepted_local : host.metrics.accepted_tcp);
    ++(local ? host.metrics.open_local : host.metrics.open_tcp);
    ++per_peer[key];
    const auto connection = std::make_shared<Connection>(host, std::move(socket), std::move(peer));
    connections.insert(connection);
    connection->start();
}

void Server::Impl::forget(Connection &connection) {
    const auto self = connection.shared_from_this();
    if (!connections.erase(self)) return;
    if (connection.is_lease()) {
        const auto found = leases_per_peer.find(connection.peer().key());
        if (found != leases_per_peer.end() && --found->second == 0) leases_per_peer.erase(found);
    } else {
        take_from_peer(connection);
    }
    stop_if_drained();
}

// From those that ask.
void Server::Impl::take_from_peer(Connection &connection) {
    --(connection.peer().local ? host.metrics.open_local : host.metrics.open_tcp);
    const auto found = per_peer.find(connection.peer().key());
    if (found != per_peer.end() && --found->second == 0) per_peer.erase(found);
}

// Leases cost a descriptor each and no work, so many more are let in than connections that ask.
bool Server::Impl::count_as_lease(Connection &connection) {
    size_t &count = leases_per_peer[connection.peer().key()];
    if (count >= limits::leases_per_peer) {
        ++host.metrics.refused["leases"];
        return false;
    }
    ++count;
    take_from_peer(connection);
    return true;
}

void Server::Impl::stop_if_drained() {
    if (host.draining && connections.empty()) io.stop();
}

void Server::Impl::cut_all() {
    const auto all = connections; // Each takes itself out.
    for (const auto &connection : all) connection->cut();
}

void Server::Impl::await_signal(Signal &signal) {
    signal.set.async_wait([this, &signal](error_code error, int) {
        if (error) return;
        await_signal(signal);
        signal.fn();
    });
}

void Server::Impl::await_tick(Ticker &ticker) {
    ticker.timer.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(ticker.period));
    ticker.timer.async_wait([this, &ticker](error_code error) {
        if (error) return;
        await_tick(ticker);
        ticker.fn();
    });
}

Server::Server(ServerOptions options, const Router &router)
    : impl_(std::make_unique<Impl>(std::move(options), router)) {}

Server::~Server() { impl_->cut_all(); }

void Server::run() { impl_->io.run(); }

void Server::post(std::function<void()> fn) { asio::post(impl_->io, std::move(fn)); }

void Server::drain(Seconds limit) {
    if (impl_->host.draining) return;
    impl_->host.draining = true;
    for (const auto &listener : impl_->listeners) {
        error_code ignored;
        listener->pause.cancel();
        listener->fd.close(ignored);
    }
    const auto all = impl_->connections;
    for (const auto &connection : all) connection->drain();
    impl_->stop_if_drained();
    impl_->drain_deadline.expires_after(std::chrono::duration_cast<std::chrono::steady_clock::duration>(limit));
    impl_->drain_deadline.async_wait([impl = impl_.get()](error_code error) {
        if (!error) impl->cut_all();
    });
}

void Server::stop() {
    impl_->host.draining = true;
    impl_->cut_all();
    impl_->io.stop();
}

bool Server::draining() const { return impl_->host.draining; }

void Server::set_rules(AccessRules rules) { impl_->host.rules = std::make_shared<const AccessRules>(std::move(rules)); }

const HttpMetrics &Server::metrics() const { return impl_->host.metrics; }

void Server::on_signal(int number, std::function<void()> fn) {
    impl_->signals.push_back(std::make_unique<Impl::Signal>(impl_->io, number, std::move(fn)));
    impl_->await_signal(*impl_->signals.back());
}

void Server::every(Seconds period, std::function<void()> fn) {
    impl_->tickers.push_back(
        std::make_unique<Impl::Ticker>(Impl::Ticker{asio::steady_timer(impl_->io), period, std::move(fn)}));
    impl_->await_tick(*impl_->tickers.back());
}

} // namespace quantd
