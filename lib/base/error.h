// Failures inside the library travel as one exception type that carries the
// public status and a finished sentence; lib/api turns it into a return value.
#pragma once

#include <quant/status.h>

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace quant {

class Error : public std::runtime_error {
public:
    Error(quant_status status, const std::string &message)
        : std::runtime_error(message), status_(status) {}

    quant_status status() const noexcept { return status_; }

private:
    quant_status status_;
};

/// Throw an Error whose message is formatted by fmt. The sentence must name the
/// file and the key or tensor, and say what was expected.
template <class... Args>
[[noreturn]] void fail(quant_status status, fmt::format_string<Args...> format, Args &&...args) {
    throw Error(status, fmt::format(format, std::forward<Args>(args)...));
}

/// Throw the Error that fits `error_number` (an errno): ENOENT becomes
/// QUANT_ERR_NOT_FOUND, ENOSPC and EDQUOT QUANT_ERR_NO_SPACE, EACCES, EPERM and
/// EROFS QUANT_ERR_PERMISSION, ENOMEM QUANT_ERR_NO_MEMORY, else QUANT_ERR_IO.
[[noreturn]] void fail_errno(int error_number, std::string_view doing, std::string_view path);

/// `text` made safe for a message: control bytes and invalid UTF-8 escaped as
/// \xNN, cut to `max_bytes` with "..." appended.
std::string printable(std::string_view text, size_t max_bytes = 200);

const char *status_name(quant_status status) noexcept;

} // namespace quant
