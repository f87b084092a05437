// One daemon from its settings to its end: sockets, rules, the server, signals, the service manager.
//
// Handlers are added to the router before run(); everything that happens afterwards happens on the
// thread that called run().
#pragma once

#include "notify.h"
#include "server.h"
#include "settings.h"

#include <chrono>
#include <functional>
#include <memory>
#include <optional>

namespace quantd {

class Daemon {
public:
    /// Takes `sources` for later reloads. Opens nothing yet.
    Daemon(Settings settings, SettingSources sources);
    ~Daemon();
    Daemon(const Daemon &) = delete;
    Daemon &operator=(const Daemon &) = delete;

    /// To be filled before run().
    Router &router() { return router_; }
    /// The settings of now: reloads replace them. On the I/O thread, or before run().
    const Settings &settings() const { return settings_; }
    /// More of /metrics; called on the I/O thread.
    std::function<std::string()> more_metrics;
    /// Called with the new settings after a reload, on the I/O thread.
    std::function<void(const Settings &)> on_reload;
    /// Called once it listens, and when it is told to end; on the I/O thread.
    std::function<void()> on_listening, on_drain;

    /// For how long what is not the I/O thread has been at one piece of work; called there. Past TimeLimits::step the
    /// service manager is no longer told that the daemon is alive, and starts it anew.
    std::function<Seconds()> longest_step;

    /// Have `fn` called every so often while the daemon runs, on the I/O thread. Before run().
    void every(std::chrono::milliseconds period, std::function<void()> fn) {
        timers_.emplace_back(period, std::move(fn));
    }

    /// Listen and serve until SIGTERM or SIGINT has been obeyed. Throws Taken, SettingsError, and
    /// std::runtime_error for sockets that cannot be had.
    void run();
    /// Behind run(): has the service manager wait while the rest of the process comes to its end.
    void still_stopping() const;

private:
    std::vector<ListenSocket> open_sockets();
    AccessRules make_rules(const std::vector<std::string> &own_names) const;
    void watch_signals();
    void feed_watchdog();
    void reload();
    void drain();

    Settings settings_;
    SettingSources sources_;
    Notifier notifier_;
    Router router_;
    std::unique_ptr<UnixSocketFile> socket_file_;
    bool stuck_ = false; ///< A step takes too long; the log says so.
    std::vector<std::string> listen_hosts_; ///< Addresses of TCP listeners, which are good as Host too.
    std::unique_ptr<Server> server_;
    std::vector<std::pair<std::chrono::milliseconds, std::function<void()>>> timers_;
};

} // namespace quantd
