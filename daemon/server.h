// The server: listeners, the connections they bring, and the one thread that serves them.
//
// Everything happens inside run(), on the thread that calls it; post() is the only way in from others
// (besides the methods of Reply). Handlers, callbacks and signals are all called there, one at a time,
// so what they share needs no locks.
#pragma once

#include "access_log.h"
#include "access_rules.h"
#include "http_limits.h"
#include "http_metrics.h"
#include "listener_sockets.h"
#include "router.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quantd {

struct ServerOptions {
    std::vector<ListenSocket> sockets;
    AccessRules rules;
    TimeLimits times;
    std::function<void(const AccessRecord &)> access_log; ///< Once a request, at its end.
    std::function<void(const std::string &)> report;      ///< What went wrong inside.
};

class Server {
public:
    /// `router` outlives the server and no longer changes.
    Server(ServerOptions options, const Router &router);
    ~Server(); ///< Cuts what is left; replies that handlers still hold become inert.
    Server(const Server &) = delete;
    Server &operator=(const Server &) = delete;

    /// Serve until a drain is over or stop().
    void run();
    /// Have `fn` called on the I/O thread. Any thread.
    void post(std::function<void()> fn);

    // From here on: on the I/O thread, or before run().
    /// Stop accepting, close idle connections, let running replies finish for `limit`, cut the rest;
    /// then run() returns.
    void drain(Seconds limit);
    /// Cut everything; run() returns.
    void stop();
    bool draining() const;
    /// From the next request on.
    void set_rules(AccessRules rules);
    const HttpMetrics &metrics() const;
    /// Have `fn` called at each arrival of that signal, which no longer does what it does by default.
    void on_signal(int number, std::function<void()> fn);
    /// Have `fn` called every `period`.
    void every(Seconds period, std::function<void()> fn);

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

} // namespace quantd
