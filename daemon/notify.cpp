#include "notify.h"

#include "base/file.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>

namespace quantd {

namespace {

uint64_t monotonic_microseconds() {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<uint64_t>(now.tv_sec) * 1'000'000 + static_cast<uint64_t>(now.tv_nsec) / 1000;
}

std::string one_line(std::string_view text) {
    std::string out(text);
    std::replace(out.begin(), out.end(), '\n', ' ');
    return out;
}

} // namespace

Notifier::Notifier() {
    const char *path = std::getenv("NOTIFY_SOCKET"), *period = std::getenv("WATCHDOG_USEC"),
               *pid = std::getenv("WATCHDOG_PID");
    const std::string_view name = path ? path : "";
    if (name.size() > 1 && name.size() < sizeof(sockaddr_un::sun_path) && (name[0] == '/' || name[0] == '@')) {
        socket_ = name;
        if (name[0] == '@') socket_[0] = '\0';
    }
    const unsigned long long microseconds = period ? std::strtoull(period, nullptr, 10) : 0;
    if (microseconds && (!pid || std::strtol(pid, nullptr, 10) == ::getpid()))
        watchdog_ = Seconds(static_cast<double>(microseconds) * 1e-6);
    for (const char *variable : {"NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"}) ::unsetenv(variable);
}

void Notifier::tell(const std::string &message) const {
    if (socket_.empty()) return;
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::memcpy(address.sun_path, socket_.data(), socket_.size());
    const quant::Descriptor fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!fd) return;
    const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + socket_.size());
    [[maybe_unused]] const auto sent = ::sendto(fd.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                                                reinterpret_cast<const sockaddr *>(&address), size);
}

void Notifier::ready(std::string_view status) const { tell(fmt::format("READY=1\nSTATUS={}", one_line(status))); }

void Notifier::status(std::string_view text) const { tell(fmt::format("STATUS={}", one_line(text))); }

void Notifier::reloading() const { tell(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", monotonic_microseconds())); }

void Notifier::stopping(std::string_view status) const { tell(fmt::format("STOPPING=1\nSTATUS={}", one_line(status))); }

void Notifier::alive() const { tell("WATCHDOG=1"); }

void Notifier::extend(Seconds more) const {
    tell(fmt::format("EXTEND_TIMEOUT_USEC={}", static_cast<uint64_t>(more.count() * 1e6)));
}

} // namespace quantd
