// The long work there is: what waits, what runs, what has ended lately, and who watches.
//
// One job runs at a time, on a thread of its own, in the order they came. Those that have ended are remembered
// until so many others have that memory stays bounded. Watchers hear of a job in order, whoever came late begins
// with how it stands.
#pragma once

#include "store_job.h"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace quantd {

/// Threads: any.
class JobBook {
public:
    /// What a watcher is told: "state" (the job) at first and at each change, "progress", "error" (why it failed), and
    /// last "end" (the job). Called on any thread, one call at a time; must not block or call back.
    using Watcher = std::function<void(const char *event, const json::object &data)>;

    explicit JobBook(JobWork work);
    ~JobBook() { stop(); }
    JobBook(const JobBook &) = delete;
    JobBook &operator=(const JobBook &) = delete;

    /// The new job's id. Throws ApiError (503): too many wait, or the daemon ends.
    std::string add(JobRequest request);
    /// Latest first.
    json::array list() const;
    /// Throws ApiError (404), as all that take an id.
    json::object show(const std::string &id) const;
    /// Has it end soon, where it has not ended. Returns how it stands.
    json::object cancel(const std::string &id);
    /// A number for unwatch().
    uint64_t watch(const std::string &id, Watcher watcher);
    void unwatch(uint64_t watcher);
    /// Cancels all and takes no more.
    void drain();
    /// The same, and returns when nothing runs. From one thread.
    void stop();
    /// What jobs there are and have been, in Prometheus' text format.
    std::string render_prometheus() const;

private:
    enum class State { queued, running, done, failed, cancelled };
    struct Progress {
        std::string stage, detail;
        uint64_t done = 0, total = 0;
        double seconds = 0;
    };
    using Clock = std::chrono::system_clock;
    struct Job {
        std::string id;
        JobRequest request;
        State state = State::queued;
        Progress progress;
        Clock::time_point created = Clock::now(), started{}, ended{};
        std::optional<json::object> result;
        std::optional<ApiError> error;
        bool cancelling = false;
    };
    struct Watch {
        uint64_t number;
        std::string id;
        Watcher tell;
    };
    class Control;

    void run();
    void work_on(Job &job, std::unique_lock<std::mutex> &lock);
    void end(Job &job, State state);
    void tell(const Job &job, const char *event, const json::object &data);
    void forget_oldest();
    const Job &find(const std::string &id) const;
    static const char *state_name(State state);
    static json::object to_json(const Job &job);
    static json::object to_json(const Progress &progress);

    const JobWork work_;
    mutable std::mutex mutex_; ///< Of what follows.
    std::condition_variable changed_;
    std::deque<std::unique_ptr<Job>> jobs_; ///< In the order they came.
    std::vector<Watch> watches_;
    uint64_t next_watch_ = 1;
    uint64_t ended_[5] = {}; ///< By State.
    bool draining_ = false, closing_ = false;
    std::thread thread_;
};

} // namespace quantd
