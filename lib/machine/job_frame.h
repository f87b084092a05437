// Which pools' jobs the current thread is inside of, so that a loop inside a job runs in place.
#pragma once

namespace quant {

struct JobFrame {
    const void *pool;
    unsigned worker;
    const JobFrame *outer;
};
inline thread_local const JobFrame *innermost_job = nullptr;

class JobScope {
public:
    JobScope(const void *pool, unsigned worker) : frame_{pool, worker, innermost_job} { innermost_job = &frame_; }
    ~JobScope() { innermost_job = frame_.outer; }
    JobScope(const JobScope &) = delete;
    JobScope &operator=(const JobScope &) = delete;

private:
    JobFrame frame_;
};

/// nullptr outside of the pool's jobs.
inline const JobFrame *find_job(const void *pool) {
    const JobFrame *frame = innermost_job;
    while (frame && frame->pool != pool) frame = frame->outer;
    return frame;
}

} // namespace quant
