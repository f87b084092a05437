// How the program fails: one sentence, maybe a hint, and an exit code that scripts
// can rely on. Everything in cli/ throws Failure; main() prints it.
#pragma once

#include <quant/status.h>

#include <fmt/format.h>

#include <stdexcept>
#include <string>
#include <string_view>

namespace quantctl {

/// The exit codes of quantctl(1). They never change.
enum ExitCode {
    exit_ok = 0,
    exit_failure = 1,
    exit_usage = 2,
    exit_not_found = 3,
    exit_verify = 4,
    exit_no_space = 6,
    exit_permission = 7,
    exit_no_daemon = 8,
    exit_interrupt = 130 ///< For SIGINT; 128 + the number for other signals.
};

class Failure : public std::runtime_error {
public:
    explicit Failure(int exit_code, const std::string &sentence, std::string hint = {})
        : std::runtime_error(sentence), exit_code_(exit_code), hint_(std::move(hint)) {}

    int exit_code() const noexcept { return exit_code_; }
    const std::string &hint() const noexcept { return hint_; }

private:
    int exit_code_;
    std::string hint_;
};

/// The command line asks for something that cannot be.
template <class... Args>
[[noreturn]] void usage_error(fmt::format_string<Args...> format, Args &&...args) {
    throw Failure(exit_usage, fmt::format(format, std::forward<Args>(args)...));
}

int exit_code_of(quant_status status);
int exit_code_of_errno(int error_number);

/// Throw the library's own sentence unless `status` is QUANT_OK.
void check(quant_status status, std::string_view hint = {});

/// Throw what the operating system says about `doing` something to `path`.
[[noreturn]] void fail_errno(int error_number, std::string_view doing, std::string_view path);

} // namespace quantctl
