#include "job_thread.h"

#include "base/signals_blocked.h"

#include <pthread.h>

#include <utility>

namespace quantd {

JobThread::JobThread(const char *name) {
    const quant::SignalsBlocked in_thread;
    thread_ = std::thread([this] { run(); });
    ::pthread_setname_np(thread_.native_handle(), name);
}

JobThread::~JobThread() {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

void JobThread::post(std::function<void()> job) {
    {
        const std::lock_guard lock(mutex_);
        jobs_.push_back(std::move(job));
    }
    changed_.notify_one();
}

bool JobThread::idle() const {
    const std::lock_guard lock(mutex_);
    return jobs_.empty() && !running_;
}

void JobThread::run() {
    for (;;) {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return closing_ || !jobs_.empty(); });
        if (jobs_.empty()) return;
        {
            const std::function<void()> job = std::move(jobs_.front());
            jobs_.pop_front();
            running_ = true;
            lock.unlock();
            job();
        }
        lock.lock();
        running_ = false;
    }
}

} // namespace quantd
