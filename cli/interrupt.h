// Ctrl-C, and its relatives SIGTERM and SIGHUP. Work that reports progress asks
// requested() and ends in good order; everything else is short, and ends at once
// after removing the one temporary file there may be.
#pragma once

#include <string>

namespace quantctl::interrupt {

/// Install the handlers. Once, at the start.
void install();

/// Whether a signal has come since the last clear().
bool requested();
void clear();

/// 128 + the signal that came; 130 if none did.
int exit_code();

/// Throw a Failure that says so if a signal has come.
void check();

/// While one lives, a signal only sets the flag.
class Cooperative {
public:
    Cooperative();
    ~Cooperative();
    Cooperative(const Cooperative &) = delete;
    Cooperative &operator=(const Cooperative &) = delete;
};

/// The temporary file to remove when a signal ends the program; "" for none.
void remember_file(const std::string &path);

} // namespace quantctl::interrupt
