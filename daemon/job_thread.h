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
    JobThread();
    /// Does what is left, then returns.
    ~JobThread();
    JobThread(const JobThread &) = delete;
    JobThread &operator=(const JobThread &) = delete;

    void post(std::function<void()> job);

private:
    void run();

    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<std::function<void()>> jobs_;
    bool closing_ = false;
    std::thread thread_;
};

} // namespace quantd
