#include "failure.h"

#include "interrupt.h"

#include <cerrno>
#include <cstring>

namespace quantctl {

int exit_code_of(quant_status status) {
    switch (status) {
    case QUANT_OK:
        return exit_ok;
    case QUANT_ERR_ARGUMENT:
        return exit_usage;
    case QUANT_ERR_NOT_FOUND:
        return exit_not_found;
    case QUANT_ERR_VERIFY:
        return exit_verify;
    case QUANT_ERR_NO_SPACE:
    case QUANT_ERR_NO_MEMORY:
        return exit_no_space;
    case QUANT_ERR_PERMISSION:
        return exit_permission;
    case QUANT_ERR_UNAVAILABLE:
        return exit_no_daemon;
    case QUANT_ERR_CANCELLED:
        return interrupt::exit_code();
    default:
        return exit_failure;
    }
}

int exit_code_of_errno(int error_number) {
    switch (error_number) {
    case ENOENT:
    case ENOTDIR:
        return exit_not_found;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
    case ENOMEM:
        return exit_no_space;
    case EACCES:
    case EPERM:
    case EROFS:
        return exit_permission;
    default:
        return exit_failure;
    }
}

void check(quant_status status, std::string_view hint) {
    if (status == QUANT_OK) return;
    // After Ctrl-C the user knows why it ended; what he wants to know is the state.
    if (status == QUANT_ERR_CANCELLED && interrupt::requested()) interrupt::check();
    const char *message = quant_error_message();
    throw Failure(exit_code_of(status), *message ? message : quant_status_name(status), std::string(hint));
}

void fail_errno(int error_number, std::string_view doing, std::string_view path) {
    throw Failure(exit_code_of_errno(error_number),
                  fmt::format("{}: cannot {}: {}", path, doing, std::strerror(error_number)));
}

} // namespace quantctl
