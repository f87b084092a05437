// The sockets the daemon listens on: its own Unix socket, a TCP port where asked for, or what systemd
// hands over.
//
// Two daemons never share a socket path: whoever holds the lock beside it owns it, a socket that
// answers is left alone whatever the lock says, and at the end a path is removed only if it still names
// the socket that was put there.
#pragma once

#include "base/file.h"

#include <sys/types.h>

#include <stdexcept>
#include <string>
#include <vector>

namespace quantd {

/// Another daemon has the socket: exit code 75.
class Taken : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// A socket that listens, not blocking, closed on exec.
struct ListenSocket {
    quant::Descriptor fd;
    bool local = false;    ///< AF_UNIX.
    bool loopback = false; ///< TCP on 127.0.0.0/8 or ::1.
    std::string role;      ///< FileDescriptorName= of the unit that made it; empty for our own.
    std::string name;      ///< "/run/quantd/quantd.sock" or "127.0.0.1:11434".
};

/// A Unix socket at a path, with its lock.
class UnixSocketFile {
public:
    /// Bind and listen, mode 0660. Throws Taken; std::runtime_error for a path that is too long, or
    /// names something that is no socket, or cannot be bound.
    explicit UnixSocketFile(const std::string &path);
    ~UnixSocketFile(); ///< Removes the path if it still is ours. Not the lock file: that would undo a lock.
    UnixSocketFile(const UnixSocketFile &) = delete;
    UnixSocketFile &operator=(const UnixSocketFile &) = delete;

    /// Once.
    ListenSocket take_socket();

private:
    void lock();
    void remove_dead_socket() const;
    void bind_and_listen();

    std::string path_;
    quant::Descriptor lock_, socket_;
    dev_t device_ = 0;
    ino_t inode_ = 0;
};

/// Listen on "host:port" or "[v6]:port", numbers only but for "localhost". Throws std::runtime_error; Taken
/// where the port is in use.
ListenSocket listen_tcp(const std::string &address);

/// What LISTEN_PID, LISTEN_FDS say was passed; empty where nothing was. Takes the variables out of the
/// environment. Throws std::runtime_error for what is not a listening stream socket.
std::vector<ListenSocket> sockets_from_systemd();

} // namespace quantd
