// The client's end of a lease: asking for it, and what comes.
#pragma once

#include "base/file.h"
#include "base/progress.h"
#include "wire/lease_record.h"

#include <chrono>
#include <string>
#include <vector>

namespace quant {

/// What a daemon sent: the record, and a descriptor for each of its parts, unchecked.
struct ReceivedLease {
    wire::LeaseRecord record;
    std::vector<Descriptor> descriptors;
};

using Deadline = std::chrono::steady_clock::time_point;

/// `given`, else QUANT_SOCKET, else quantd.sock in XDG_RUNTIME_DIR where there is one, else the system's daemon's.
std::string daemon_socket_path(const char *given);

/// What is asked for.
struct LeaseWish {
    std::string model;
    std::string digest = {};  ///< The content it must have; "": any.
    bool files_only = false;  ///< Without the packed weights, which may not be made yet.
};

/// Connects, and asks for that model. Throws Error: QUANT_ERR_UNAVAILABLE where nobody listens, QUANT_ERR_PERMISSION,
/// QUANT_ERR_ARGUMENT for a path too long.
Descriptor ask_for_lease(const std::string &socket, const LeaseWish &wish, Deadline until);

/// Waits for the answer, and reports meanwhile. Throws Error as quant_model_open_shared() says.
ReceivedLease receive_lease(int connection, const std::string &socket, Deadline until, Progress *progress = nullptr);

} // namespace quant
