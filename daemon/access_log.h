// One line of the access log a request: who, what, how it ended. Never what was said.
#pragma once

#include <cstdint>
#include <string>

namespace quantd {

struct AccessRecord {
    std::string method, path; ///< Empty where the head could not be read.
    std::string id, peer;
    int status = 0;        ///< 499 where the peer left before an answer had begun.
    uint64_t bytes = 0;    ///< Sent, with heads.
    double seconds = 0;    ///< From the end of the request's head to the last byte, or the cut.
    bool complete = false; ///< The peer took all of it.
};

/// To the daemon's log, as information. Any thread.
void log_access(const AccessRecord &record);

} // namespace quantd
