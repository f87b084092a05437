// Log lines of the library: to the host program's callback or nowhere.
#pragma once

#include <quant/status.h>

#include <fmt/format.h>

#include <string>

namespace quant {

void set_logger(quant_log_fn fn, void *user) noexcept;
void log_text(quant_log_level level, const std::string &text);

template <class... Args>
void log(quant_log_level level, fmt::format_string<Args...> format, Args &&...args) {
    log_text(level, fmt::format(format, std::forward<Args>(args)...));
}

} // namespace quant
