// A thread that does what it is given, one job after the other: what may block is done here, never on
// the I/O thread.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace quantd {

/// Threads: any. Jobs must not throw.
class JobThread {
public:
    /// `name`: as ps(1) and top(1) show it, at most 15 bytes.
    explicit JobThread(const char *name);
    /// Does what is left, then returns.
    ~JobThread();
    JobThread(const JobThread &) = delete;
    JobThread &operator=(const JobThread &) = delete;

    void post(std::function<void()> job);
    /// Nothing is under way or waits.
    bool idle() const;

private:
    void run();

    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool closing_ = false, running_ = false;
    std::thread thread_;
};

} // namespace quantd
