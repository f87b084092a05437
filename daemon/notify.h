// What the service manager is told, by the protocol of sd_notify(3): datagrams of NAME=VALUE lines to
// $NOTIFY_SOCKET. Without that variable everything here does nothing.
#pragma once

#include "http_limits.h"

#include <optional>
#include <string>
#include <string_view>

namespace quantd {

class Notifier {
public:
    /// Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, and takes them out of the environment.
    Notifier();

    // Any thread. What cannot be delivered is dropped: nobody waits for a service manager.
    void ready(std::string_view status) const;
    void status(std::string_view text) const;
    void reloading() const; ///< To be followed by ready().
    void stopping(std::string_view status) const;
    void alive() const;              ///< Feeds the watchdog.
    void extend(Seconds more) const; ///< The start or stop that is under way takes so much longer from now on.

    /// How often alive() must be said at least; nothing where nobody watches.
    std::optional<Seconds> watchdog() const { return watchdog_; }

private:
    void tell(const std::string &message) const;

    std::string socket_; ///< A path, or '\0' and an abstract name; empty: nobody listens.
    std::optional<Seconds> watchdog_;
};

} // namespace quantd
