// Threads of ours take no signals: those of a process are for the threads that its program began.
#pragma once

#include <pthread.h>
#include <signal.h>

namespace quant {

/// While it lives the calling thread is sent no signals, nor is any thread ever that it begins meanwhile, which
/// inherits that. Those that a thread causes itself stay, for the handlers that report crashes, and a profiler's.
class SignalsBlocked {
public:
    SignalsBlocked() {
        sigset_t all;
        ::sigfillset(&all);
        for (const int own : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS, SIGPROF}) ::sigdelset(&all, own);
        ::pthread_sigmask(SIG_SETMASK, &all, &before_);
    }
    ~SignalsBlocked() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
    SignalsBlocked(const SignalsBlocked &) = delete;
    SignalsBlocked &operator=(const SignalsBlocked &) = delete;

private:
    sigset_t before_;
};

} // namespace quant
