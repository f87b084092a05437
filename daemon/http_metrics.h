// What the HTTP layer counts, and the text that Prometheus reads. Touched on the I/O thread only.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>

namespace quantd {

struct HttpMetrics {
    uint64_t accepted_local = 0, accepted_tcp = 0;
    uint64_t open_local = 0, open_tcp = 0;
    std::array<uint64_t, 6> requests{};      ///< By the first digit of the status.
    std::map<int, uint64_t> errors;          ///< Requests answered with 4xx and 5xx, by status.
    std::map<std::string, uint64_t> refused; ///< By cause; a request or a connection each.
    uint64_t gone = 0;                       ///< Replies whose peer left before the end.
    uint64_t bytes_sent = 0;

    void count_request(int status) {
        ++requests[status >= 100 && status < 600 ? static_cast<size_t>(status / 100) : 0];
        if (status >= 400) ++errors[status];
    }
};

/// Prometheus' text format, version 0.0.4.
std::string render_prometheus(const HttpMetrics &metrics);

} // namespace quantd
