#include "client/daemon_socket.h"

#include "base/error.h"
#include "wire/http_answer.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>

namespace quant {

namespace {

constexpr size_t most_body_bytes = 64 * 1024;
constexpr long report_every = 100; ///< Milliseconds.

std::string environment(const char *name) {
    const char *value = std::getenv(name);
    return value ? value : "";
}

long milliseconds_to(Deadline until) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now()).count();
    return std::clamp<long>(left, 0, 1L << 30);
}

/// Bytes and descriptors as they come.
class Incoming {
public:
    Incoming(int fd, const std::string &socket, Deadline until, Progress *progress)
        : fd_(fd),
          socket_(socket),
          until_(until),
          progress_(progress) {}

    std::string bytes;
    std::vector<Descriptor> descriptors;

    /// Until so many bytes are there. Throws Error.
    void need(size_t count) {
        while (bytes.size() < count) more();
    }
    void more() {
        wait();
        char data[16 * 1024];
        alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int) * wire::most_descriptors)];
        iovec part{data, sizeof data};
        msghdr message{};
        message.msg_iov = &part, message.msg_iovlen = 1;
        message.msg_control = control, message.msg_controllen = sizeof control;
        const ssize_t got = ::recvmsg(fd_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        if (got < 0 && (errno == EINTR || errno == EAGAIN)) return;
        if (got < 0) fail_errno(errno, "read from the daemon at", socket_);
        take_descriptors(message);
        if (got == 0) fail(QUANT_ERR_IO, "{}: the daemon hung up before it answered", socket_);
        bytes.append(data, static_cast<size_t>(got));
    }

private:
    void wait() const {
        for (;;) {
            pollfd ready{fd_, POLLIN, 0};
            const long left = milliseconds_to(until_), some = progress_ ? std::min(left, report_every) : left;
            const int n = ::poll(&ready, 1, static_cast<int>(some));
            if (n > 0) return;
            if (n < 0 && errno != EINTR) fail_errno(errno, "wait for the daemon at", socket_);
            if (n == 0 && some == left) fail(QUANT_ERR_IO, "{}: the daemon did not answer in time", socket_);
            if (progress_) progress_->report();
        }
    }
    // All are taken first: what is not wanted must be closed too.
    void take_descriptors(msghdr &message) {
        for (cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
            if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS) continue;
            const size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            for (size_t i = 0; i < count; i++) {
                int fd;
                std::memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
                descriptors.emplace_back(fd);
            }
        }
        if (message.msg_flags & MSG_CTRUNC)
            fail(QUANT_ERR_IO, "{}: not all descriptors came: this process may have too many open (see RLIMIT_NOFILE)", socket_);
        if (descriptors.size() > wire::most_descriptors)
            fail(QUANT_ERR_FORMAT, "{}: more than {} descriptors came", socket_, wire::most_descriptors);
    }

    int fd_;
    const std::string &socket_;
    Deadline until_;
    Progress *progress_;
};

quant_status status_of(int http, const std::string &code) {
    if (code == "draining") return QUANT_ERR_UNAVAILABLE;
    switch (http) {
    case 400:
        return QUANT_ERR_ARGUMENT;
    case 401:
    case 403:
        return QUANT_ERR_PERMISSION;
    case 404:
        return QUANT_ERR_NOT_FOUND;
    case 409:
        return QUANT_ERR_VERIFY;
    case 429:
    case 503:
        return QUANT_ERR_BUSY;
    case 507:
        return QUANT_ERR_NO_MEMORY;
    default:
        return http >= 500 ? QUANT_ERR_MODEL : QUANT_ERR_UNSUPPORTED;
    }
}

[[noreturn]] void fail_refused(const wire::HttpAnswer &answer, Incoming &in, const std::string &socket) {
    const size_t body = answer.body_bytes(most_body_bytes).value_or(0);
    in.need(answer.head_bytes + body);
    const auto [message, code] = wire::error_in(std::string_view(in.bytes).substr(answer.head_bytes, body));
    fail(status_of(answer.status, code), "{}: {}", socket,
         message.empty() ? fmt::format("the daemon answered {}", answer.status) : printable(message, 2000));
}

sockaddr_un address_of(const std::string &socket) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (socket.empty() || socket.size() >= sizeof address.sun_path || socket.find('\0') != std::string::npos)
        fail(QUANT_ERR_ARGUMENT, "socket \"{}\": expected a path of 1 to {} bytes", printable(socket),
             sizeof address.sun_path - 1);
    std::memcpy(address.sun_path, socket.data(), socket.size());
    return address;
}

Descriptor connect_to(const std::string &socket, Deadline until) {
    const sockaddr_un address = address_of(socket);
    Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (!fd) fail_errno(errno, "make a socket for", socket);
    // Where more wait to be let in than it holds, connecting waits too; as long as this.
    const long left = std::max(1L, milliseconds_to(until));
    const timeval limit{left / 1000, left % 1000 * 1000};
    ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    while (::connect(fd.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) != 0) {
        if (errno == EINTR) continue;
        if (errno == ENOENT || errno == ECONNREFUSED || errno == ENOTDIR)
            fail(QUANT_ERR_UNAVAILABLE, "{}: no daemon listens there: {}", socket, std::strerror(errno));
        if (errno == EAGAIN || errno == ETIMEDOUT) fail(QUANT_ERR_IO, "{}: the daemon did not answer in time", socket);
        fail_errno(errno, "connect to", socket);
    }
    return fd;
}

} // namespace

std::string daemon_socket_path(const char *given) {
    if (given) return given;
    if (std::string own = environment("QUANT_SOCKET"); !own.empty()) return own;
    if (const std::string folder = environment("XDG_RUNTIME_DIR"); !folder.empty())
        if (std::string users = folder + "/quantd.sock"; ::access(users.c_str(), F_OK) == 0) return users;
    return "/run/quantd/quantd.sock";
}

Descriptor ask_for_lease(const std::string &socket, const LeaseWish &wish, Deadline until) {
    Descriptor fd = connect_to(socket, until);
    std::string request = fmt::format("GET {}?model={}", wire::lease_path, wire::percent_encoded(wish.model));
    if (!wish.digest.empty()) request += "&digest=" + wire::percent_encoded(wish.digest);
    if (wish.files_only) request += fmt::format("&parts={}", wire::lease_of_files);
    request += fmt::format(" HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: {}\r\n\r\n", wire::lease_protocol);
    for (size_t done = 0; done < request.size();) {
        const ssize_t n = ::send(fd.get(), request.data() + done, request.size() - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR) continue;
        // A daemon that lets nobody in has answered already, and says why.
        if (n < 0 && (errno == EPIPE || errno == ECONNRESET)) break;
        if (n < 0) fail_errno(errno, "write to the daemon at", socket);
        done += static_cast<size_t>(n);
    }
    return fd;
}

ReceivedLease receive_lease(int connection, const std::string &socket, Deadline until, Progress *progress) {
    Incoming in(connection, socket, until, progress);
    std::optional<wire::HttpAnswer> answer;
    while (!(answer = wire::parse_http_answer(in.bytes))) in.more();
    if (answer->status != 101) fail_refused(*answer, in, socket);
    if (answer->header("upgrade") != wire::lease_protocol)
        fail(QUANT_ERR_UNSUPPORTED, "{}: the daemon speaks \"{}\", expected {}", socket, printable(answer->header("upgrade")),
             wire::lease_protocol);
    const size_t frame = answer->head_bytes;
    in.need(frame + wire::frame_head_bytes);
    const auto head = wire::parse_frame_head(
        std::as_bytes(std::span(in.bytes)).subspan(frame).first<wire::frame_head_bytes>());
    in.need(frame + wire::frame_head_bytes + head.record_bytes);
    ReceivedLease out;
    out.record = wire::parse_lease_record(
        std::string_view(in.bytes).substr(frame + wire::frame_head_bytes, head.record_bytes), head.descriptors);
    if (in.descriptors.size() != head.descriptors)
        fail(QUANT_ERR_FORMAT, "{}: {} descriptors came, expected {}", socket, in.descriptors.size(), head.descriptors);
    out.descriptors = std::move(in.descriptors);
    return out;
}

} // namespace quant
