// The daemon's log: lines to stderr, each in one write, with the priority that the journal reads in
// front where it is the journal that reads. Any thread.
#pragma once

#include <fmt/format.h>

#include <string>

namespace quantd {

enum class LogLevel { error, warning, info, debug };

/// Lines of less weight are dropped. "error", "warning", "info" or "debug".
void set_log_level(const std::string &name);
bool log_enabled(LogLevel level);
void log_line(LogLevel level, const std::string &text);

template <class... Args> void log(LogLevel level, fmt::format_string<Args...> format, Args &&...args) {
    if (log_enabled(level)) log_line(level, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace quantd
