#include "interrupt.h"

#include "failure.h"

#include <csignal>
#include <cstring>
#include <unistd.h>

#include <climits>

namespace quantctl::interrupt {

namespace {

volatile std::sig_atomic_t came = 0;
volatile std::sig_atomic_t cooperative = 0;
// A fixed buffer, since a handler may not allocate. The flag is cleared while it changes.
char temporary[PATH_MAX];
volatile std::sig_atomic_t has_temporary = 0;

// Only async-signal-safe calls from here.
void handle(int number) {
    came = number;
    if (cooperative > 0) return;
    if (has_temporary) ::unlink(temporary);
    ::_exit(128 + number);
}

} // namespace

void install() {
    struct sigaction action {};
    action.sa_handler = handle;
    sigemptyset(&action.sa_mask);
    action.sa_flags = 0; // No SA_RESTART: a read at the chat line must come back.
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
        struct sigaction old {};
        // nohup(1) and shells' background jobs start us with signals ignored: leave them so.
        if (::sigaction(number, nullptr, &old) == 0 && old.sa_handler == SIG_IGN) continue;
        ::sigaction(number, &action, nullptr);
    }
    // A closed pipe or a file at its size limit is an error of write(), told in a sentence.
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
}

bool requested() { return came != 0; }
void clear() { came = 0; }
int exit_code() { return came ? 128 + came : int{exit_interrupt}; }

void check() {
    if (requested()) throw Failure(exit_code(), "interrupted");
}

Cooperative::Cooperative() { cooperative = cooperative + 1; }
Cooperative::~Cooperative() { cooperative = cooperative - 1; }

void remember_file(const std::string &path) {
    has_temporary = 0;
    if (path.empty() || path.size() >= sizeof temporary) return;
    std::memcpy(temporary, path.c_str(), path.size() + 1);
    has_temporary = 1;
}

} // namespace quantctl::interrupt
