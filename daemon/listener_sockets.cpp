#include "listener_sockets.h"

#include "http_limits.h"

#include <fmt/format.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <system_error>

namespace quantd {

namespace {

constexpr int first_passed_descriptor = 3; // SD_LISTEN_FDS_START.
constexpr int most_passed_descriptors = 16;

[[noreturn]] void fail_now(const std::string &what, int error = errno) {
    throw std::runtime_error(fmt::format("{}: {}", what, std::generic_category().message(error)));
}

union Address {
    sockaddr any;
    sockaddr_un local;
    sockaddr_in v4;
    sockaddr_in6 v6;
    sockaddr_storage storage;
};

sockaddr_un local_address(const std::string &path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path)
        throw std::runtime_error(
            fmt::format("{}: a socket's path has at most {} bytes", path, sizeof address.sun_path - 1));
    if (!path.starts_with('/')) throw std::runtime_error(path + ": a socket's path begins with a slash");
    std::memcpy(address.sun_path, path.data(), path.size());
    return address;
}

template <class Number> bool parse_number(std::string_view text, Number &out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return error == std::errc() && end == text.data() + text.size() && !text.empty();
}

Address tcp_address(const std::string &text, socklen_t &size) {
    const auto wrong = [&] { return std::runtime_error(fmt::format("tcp: expected ADDRESS:PORT, not \"{}\"", text)); };
    const size_t colon = text.rfind(':');
    uint16_t port = 0;
    if (colon == std::string::npos || !parse_number(std::string_view(text).substr(colon + 1), port)) throw wrong();
    std::string host = text.substr(0, colon);
    if (host == "localhost") host = "127.0.0.1";
    Address address{};
    if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
        address.v6.sin6_family = AF_INET6;
        address.v6.sin6_port = htons(port);
        size = sizeof address.v6;
        if (::inet_pton(AF_INET6, host.substr(1, host.size() - 2).c_str(), &address.v6.sin6_addr) == 1) return address;
    } else {
        address.v4.sin_family = AF_INET;
        address.v4.sin_port = htons(port);
        size = sizeof address.v4;
        if (::inet_pton(AF_INET, host.c_str(), &address.v4.sin_addr) == 1) return address;
    }
    throw wrong();
}

void describe(ListenSocket &socket) {
    Address address{};
    socklen_t size = sizeof address;
    if (::getsockname(socket.fd.get(), &address.any, &size) != 0) fail_now("getsockname");
    char text[INET6_ADDRSTRLEN] = "";
    if (address.any.sa_family == AF_UNIX) {
        socket.local = true;
        socket.name = address.local.sun_path;
    } else if (address.any.sa_family == AF_INET) {
        socket.loopback = (ntohl(address.v4.sin_addr.s_addr) >> 24) == 127;
        ::inet_ntop(AF_INET, &address.v4.sin_addr, text, sizeof text);
        socket.name = fmt::format("{}:{}", text, ntohs(address.v4.sin_port));
    } else if (address.any.sa_family == AF_INET6) {
        socket.loopback = IN6_IS_ADDR_LOOPBACK(&address.v6.sin6_addr);
        ::inet_ntop(AF_INET6, &address.v6.sin6_addr, text, sizeof text);
        socket.name = fmt::format("[{}]:{}", text, ntohs(address.v6.sin6_port));
    } else {
        throw std::runtime_error("a socket that is neither AF_UNIX nor TCP");
    }
}

std::string holder_of_lock(int fd) {
    char text[24] = "";
    const ssize_t bytes = ::pread(fd, text, sizeof text - 1, 0);
    pid_t pid = 0;
    return bytes > 1 && parse_number(std::string_view(text, static_cast<size_t>(bytes - 1)), pid)
               ? fmt::format("the daemon with pid {}", pid)
               : "another daemon";
}

// LISTEN_FDNAMES is one name a descriptor, with colons between; fewer where the manager is old.
std::string next_role(std::string_view &names) {
    const size_t end = std::min(names.find(':'), names.size());
    const std::string role(names.substr(0, end));
    names.remove_prefix(std::min(end + 1, names.size()));
    return role;
}

} // namespace

UnixSocketFile::UnixSocketFile(const std::string &path) : path_(path) {
    lock();
    remove_dead_socket();
    bind_and_listen();
}

UnixSocketFile::~UnixSocketFile() {
    struct stat info;
    if (inode_ && ::lstat(path_.c_str(), &info) == 0 && info.st_dev == device_ && info.st_ino == inode_)
        ::unlink(path_.c_str());
}

ListenSocket UnixSocketFile::take_socket() {
    ListenSocket socket;
    socket.fd = std::move(socket_);
    socket.local = true;
    socket.name = path_;
    return socket;
}

void UnixSocketFile::lock() {
    local_address(path_); // Says what is wrong with the path itself first.
    // Nobody else makes the folder of a daemon that is started by hand; one level, as /run goes with each boot.
    const std::filesystem::path folder = std::filesystem::path(path_).parent_path();
    if (!folder.empty() && ::mkdir(folder.c_str(), 0755) != 0 && errno != EEXIST) fail_now(folder.string());
    const std::string name = path_ + ".lock";
    lock_ = quant::Descriptor(::open(name.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644));
    if (!lock_) fail_now(name);
    if (::flock(lock_.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK) fail_now(name);
        throw Taken(fmt::format("{} is served by {}", path_, holder_of_lock(lock_.get())));
    }
    const std::string pid = fmt::format("{}\n", ::getpid());
    if (::ftruncate(lock_.get(), 0) != 0 || ::pwrite(lock_.get(), pid.data(), pid.size(), 0) < 0) fail_now(name);
}

// A socket whose daemon died refuses connections; one that answers, or is too busy to, is alive.
void UnixSocketFile::remove_dead_socket() const {
    struct stat info;
    if (::lstat(path_.c_str(), &info) != 0) {
        if (errno == ENOENT) return;
        fail_now(path_);
    }
    if (!S_ISSOCK(info.st_mode)) throw std::runtime_error(path_ + ": there is something here that is no socket");
    const quant::Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!probe) fail_now("socket");
    const sockaddr_un address = local_address(path_);
    if (::connect(probe.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address) == 0) {
        ucred peer{};
        socklen_t size = sizeof peer;
        ::getsockopt(probe.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size);
        throw Taken(fmt::format("{} is served by the process with pid {}", path_, peer.pid));
    }
    if (errno == EAGAIN) throw Taken(path_ + " is served by another process");
    if (errno != ECONNREFUSED) fail_now(path_);
    if (::unlink(path_.c_str()) != 0 && errno != ENOENT) fail_now(path_);
}

void UnixSocketFile::bind_and_listen() {
    socket_ = quant::Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!socket_) fail_now("socket");
    const sockaddr_un address = local_address(path_);
    const mode_t before = ::umask(0117); // 0660 from the first moment on.
    const int bound = ::bind(socket_.get(), reinterpret_cast<const sockaddr *>(&address), sizeof address);
    const int error = errno;
    ::umask(before);
    if (bound != 0) fail_now(path_, error);
    struct stat info;
    if (::lstat(path_.c_str(), &info) != 0) fail_now(path_);
    device_ = info.st_dev;
    inode_ = info.st_ino;
    if (::listen(socket_.get(), limits::listen_backlog) != 0) fail_now(path_);
}

ListenSocket listen_tcp(const std::string &text) {
    socklen_t size = 0;
    const Address address = tcp_address(text, size);
    ListenSocket out;
    out.fd = quant::Descriptor(::socket(address.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (!out.fd) fail_now("tcp " + text);
    const int yes = 1; // A daemon that starts again does not wait for the connections of the last one.
    ::setsockopt(out.fd.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (::bind(out.fd.get(), &address.any, size) != 0 || ::listen(out.fd.get(), limits::listen_backlog) != 0) {
        if (errno == EADDRINUSE) throw Taken(fmt::format("tcp {}: another process listens there", text));
        fail_now("tcp " + text);
    }
    describe(out);
    return out;
}

std::vector<ListenSocket> sockets_from_systemd() {
    const char *pid_text = std::getenv("LISTEN_PID"), *count_text = std::getenv("LISTEN_FDS");
    const char *names_text = std::getenv("LISTEN_FDNAMES");
    const std::string names = names_text ? names_text : "";
    std::string_view roles = names;
    pid_t pid = 0;
    int count = 0;
    const bool ours = pid_text && count_text && parse_number(std::string_view(pid_text), pid) && pid == ::getpid();
    const bool counted = count_text && parse_number(std::string_view(count_text), count);
    for (const char *name : {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES"}) ::unsetenv(name);
    if (!ours) return {};
    if (!counted || count < 0 || count > most_passed_descriptors)
        throw std::runtime_error(fmt::format("LISTEN_FDS: expected a number from 0 to {}", most_passed_descriptors));
    std::vector<ListenSocket> sockets;
    for (int fd = first_passed_descriptor; fd < first_passed_descriptor + count; ++fd) {
        ListenSocket socket;
        socket.fd = quant::Descriptor(fd);
        int listening = 0, type = 0;
        socklen_t size = sizeof type;
        if (::getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM ||
            ::getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) != 0 || !listening)
            throw std::runtime_error(fmt::format("LISTEN_FDS: descriptor {} is not a listening stream socket", fd));
        ::fcntl(fd, F_SETFD, FD_CLOEXEC);
        ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) | O_NONBLOCK);
        describe(socket);
        socket.role = next_role(roles);
        sockets.push_back(std::move(socket));
    }
    return sockets;
}

} // namespace quantd
