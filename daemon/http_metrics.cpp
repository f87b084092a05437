#include "http_metrics.h"

#include "prometheus.h"

namespace quantd {

std::string render_prometheus(const HttpMetrics &m) {
    std::string out;
    const auto family = [&](const char *name, const char *type, const char *help) {
        append_metric(out, name, type, help);
    };
    const auto row = [&](const char *name, const char *label, std::string_view value, uint64_t count) {
        append_sample(out, name, label, value, count);
    };
    family("quantd_connections", "gauge", "Connections that are open.");
    row("quantd_connections", "socket", "unix", m.open_local);
    row("quantd_connections", "socket", "tcp", m.open_tcp);
    family("quantd_connections_accepted_total", "counter", "Connections taken since the start.");
    row("quantd_connections_accepted_total", "socket", "unix", m.accepted_local);
    row("quantd_connections_accepted_total", "socket", "tcp", m.accepted_tcp);
    family("quantd_replies_total", "counter", "Requests answered, by class of status.");
    for (size_t i = 1; i < m.requests.size(); ++i)
        row("quantd_replies_total", "class", fmt::format("{}xx", i), m.requests[i]);
    family("quantd_errors_total", "counter", "Requests answered with an error, by status.");
    for (const auto &[status, count] : m.errors) row("quantd_errors_total", "status", std::to_string(status), count);
    family("quantd_refused_total", "counter", "Requests and connections refused, by cause.");
    for (const auto &[cause, count] : m.refused) row("quantd_refused_total", "cause", cause, count);
    append_metric(out, "quantd_replies_gone_total", "counter", "Replies whose peer left before their end.", m.gone);
    append_metric(out, "quantd_sent_bytes_total", "counter", "Bytes sent.", m.bytes_sent);
    return out;
}

} // namespace quantd
