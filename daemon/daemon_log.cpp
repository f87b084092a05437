#include "daemon_log.h"

#include "base/error.h"

#include <unistd.h>

#include <atomic>
#include <cstdlib>

namespace quantd {

namespace {

constexpr size_t longest_line = 2000;
std::atomic<LogLevel> told = LogLevel::info;

const char *priority(LogLevel level) {
    static const bool journal = std::getenv("JOURNAL_STREAM") != nullptr;
    if (!journal) return "";
    static constexpr const char *prefixes[] = {"<3>", "<4>", "<6>", "<7>"};
    return prefixes[static_cast<size_t>(level)];
}

} // namespace

void set_log_level(const std::string &name) {
    told = name == "error"     ? LogLevel::error
           : name == "warning" ? LogLevel::warning
           : name == "debug"   ? LogLevel::debug
                               : LogLevel::info;
}

bool log_enabled(LogLevel level) { return level <= told.load(std::memory_order_relaxed); }

void log_line(LogLevel level, const std::string &text) {
    if (!log_enabled(level)) return;
    const std::string line = fmt::format("{}quantd: {}\n", priority(level), quant::printable(text, longest_line));
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
}

} // namespace quantd
