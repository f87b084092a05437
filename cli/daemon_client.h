// Asking quantd: one request over its Unix socket, one JSON document back.
#pragma once

#include <CLI/CLI.hpp>
#include <boost/json.hpp>

#include <chrono>
#include <string>

namespace quantctl {

/// Where quantd is asked: `given`, else QUANT_SOCKET, else the socket of the user's daemon or of the
/// system's, whichever is there.
std::string daemon_socket(const std::string &given);

/// --socket, of verbs that ask quantd.
CLI::Option *add_socket_option(CLI::App &app, std::string &socket);

class DaemonClient {
public:
    /// `given` as for daemon_socket(). Nothing is connected before something is asked.
    explicit DaemonClient(const std::string &given) : socket_(daemon_socket(given)) {}

    const std::string &socket() const { return socket_; }

    /// Both throw a Failure: that nobody listens, or what the daemon says against it. Block for at most `patience`.
    boost::json::object get(const std::string &path, std::chrono::seconds patience = usual_patience) const;
    boost::json::object post(const std::string &path, const boost::json::object &body,
                             std::chrono::seconds patience = usual_patience) const;

private:
    static constexpr std::chrono::seconds usual_patience{10};

    std::string socket_;
};

} // namespace quantctl
