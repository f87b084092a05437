#include "job_book.h"

#include "http_limits.h"
#include "new_id.h"
#include "ollama_reply.h"
#include "prometheus.h"

#include "base/error.h"
#include "base/signals_blocked.h"

#include <algorithm>
#include <new>

namespace quantd {

// The job in the hands of its work.
class JobBook::Control final : public JobControl {
public:
    Control(JobBook &book, Job &job) : book_(book), job_(job) {}

    void progress(const quant_progress &now) override {
        const std::lock_guard lock(book_.mutex_);
        job_.progress = {now.stage, now.detail, now.done, now.total, now.seconds};
        book_.tell(job_, "progress", to_json(job_.progress));
    }
    bool cancelled() const override {
        const std::lock_guard lock(book_.mutex_);
        return job_.cancelling;
    }

private:
    JobBook &book_;
    Job &job_;
};

JobBook::JobBook(JobWork work) : work_(std::move(work)) {
    const quant::SignalsBlocked in_thread;
    thread_ = std::thread([this] { run(); });
}

void JobBook::stop() {
    if (!thread_.joinable()) return;
    drain();
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    changed_.notify_all();
    thread_.join();
}

const char *JobBook::state_name(State state) {
    constexpr const char *names[] = {"queued", "running", "done", "failed", "cancelled"};
    return names[static_cast<size_t>(state)];
}

json::object JobBook::to_json(const Progress &p) {
    return {{"stage", quant::printable(p.stage)},
            {"done", p.done},
            {"total", p.total},
            {"detail", quant::printable(p.detail)},
            {"seconds", p.seconds}};
}

json::object JobBook::to_json(const Job &job) {
    const auto when = [](Clock::time_point t) {
        return t == Clock::time_point() ? json::value(nullptr) : json::value(ollama_time(t));
    };
    json::object out{{"id", job.id},
                     {"state", state_name(job.state)},
                     {"request", request_json(job.request)},
                     {"created", when(job.created)},
                     {"started", when(job.started)},
                     {"ended", when(job.ended)},
                     {"progress", nullptr},
                     {"result", nullptr},
                     {"error", nullptr}};
    if (job.state != State::queued) out["progress"] = to_json(job.progress);
    if (job.result) out["result"] = *job.result;
    if (job.error) out["error"] = json::parse(render_error(ApiStyle::own, *job.error), "error").at("error");
    return out;
}

const JobBook::Job &JobBook::find(const std::string &id) const {
    for (const auto &job : jobs_)
        if (job->id == id) return *job;
    throw ApiError{.status = 404, .message = "there is no job " + quant::printable(id), .code = "job_not_found"};
}

std::string JobBook::add(JobRequest request) {
    const std::lock_guard lock(mutex_);
    const auto waiting =
        std::count_if(jobs_.begin(), jobs_.end(), [](const auto &j) { return j->state == State::queued; });
    if (draining_)
        throw ApiError{.status = 503, .message = "the daemon is stopping", .code = "draining", .retry_after = 5};
    if (static_cast<size_t>(waiting) >= limits::jobs_waiting)
        throw ApiError{.status = 503,
                       .message = fmt::format("{} jobs wait already", waiting),
                       .code = "queue_full",
                       .retry_after = 30};
    auto job = std::make_unique<Job>();
    job->id = new_id("job-");
    job->request = std::move(request);
    jobs_.push_back(std::move(job));
    changed_.notify_all();
    return jobs_.back()->id;
}

json::array JobBook::list() const {
    const std::lock_guard lock(mutex_);
    json::array out;
    for (auto job = jobs_.rbegin(); job != jobs_.rend(); ++job) out.push_back(to_json(**job));
    return out;
}

json::object JobBook::show(const std::string &id) const {
    const std::lock_guard lock(mutex_);
    return to_json(find(id));
}

json::object JobBook::cancel(const std::string &id) {
    const std::lock_guard lock(mutex_);
    Job &job = const_cast<Job &>(find(id));
    job.cancelling = true;
    if (job.state == State::queued) end(job, State::cancelled);
    return to_json(job);
}

uint64_t JobBook::watch(const std::string &id, Watcher watcher) {
    const std::lock_guard lock(mutex_);
    const Job &job = find(id);
    watcher("state", to_json(job));
    if (job.ended != Clock::time_point()) {
        watcher("end", to_json(job));
        return 0;
    }
    watches_.push_back({next_watch_, id, std::move(watcher)});
    return next_watch_++;
}

void JobBook::unwatch(uint64_t watcher) {
    Watcher gone; // Destroyed without the lock.
    const std::lock_guard lock(mutex_);
    const auto found =
        std::find_if(watches_.begin(), watches_.end(), [&](const Watch &w) { return w.number == watcher; });
    if (found == watches_.end()) return;
    gone = std::move(found->tell);
    watches_.erase(found);
}

void JobBook::drain() {
    const std::lock_guard lock(mutex_);
    draining_ = true;
    for (const auto &job : jobs_) {
        job->cancelling = true;
        if (job->state == State::queued) end(*job, State::cancelled);
    }
}

void JobBook::tell(const Job &job, const char *event, const json::object &data) {
    for (const Watch &w : watches_)
        if (w.id == job.id) w.tell(event, data);
}

void JobBook::end(Job &job, State state) {
    job.state = state;
    job.ended = Clock::now();
    ++ended_[static_cast<size_t>(state)];
    const json::object now = to_json(job);
    tell(job, "state", now);
    if (job.error) tell(job, "error", now.at("error").as_object());
    tell(job, "end", now);
    std::erase_if(watches_, [&](const Watch &w) { return w.id == job.id; });
}

void JobBook::forget_oldest() {
    size_t ended = 0;
    for (const auto &job : jobs_) ended += job->ended != Clock::time_point();
    for (auto job = jobs_.begin(); ended > limits::jobs_kept && job != jobs_.end();) {
        const bool goes = (*job)->ended != Clock::time_point();
        ended -= goes;
        job = goes ? jobs_.erase(job) : job + 1;
    }
}

void JobBook::work_on(Job &job, std::unique_lock<std::mutex> &lock) {
    job.state = State::running;
    job.started = Clock::now();
    tell(job, "state", to_json(job));
    Control control(*this, job);
    std::optional<json::object> result;
    ApiError error;
    lock.unlock();
    try {
        result = work_(job.request, control);
    } catch (const ApiError &e) {
        error = e;
    } catch (const std::bad_alloc &) {
        error = {.status = 503, .message = "out of memory", .code = "out_of_memory"};
    } catch (const std::exception &e) {
        error = {.status = 500, .message = e.what()};
    }
    lock.lock();
    job.result = std::move(result);
    if (job.result) return end(job, State::done);
    if (!job.cancelling) job.error = std::move(error);
    end(job, job.cancelling ? State::cancelled : State::failed);
}

void JobBook::run() {
    std::unique_lock lock(mutex_);
    for (;;) {
        const auto next = [&] {
            return std::find_if(jobs_.begin(), jobs_.end(), [](const auto &j) { return j->state == State::queued; });
        };
        changed_.wait(lock, [&] { return closing_ || next() != jobs_.end(); });
        if (closing_) return;
        Job &job = **next(); // Stays in its place on the heap.
        work_on(job, lock);
        forget_oldest();
    }
}

std::string JobBook::render_prometheus() const {
    const std::lock_guard lock(mutex_);
    size_t queued = 0, running = 0;
    for (const auto &job : jobs_) queued += job->state == State::queued, running += job->state == State::running;
    std::string out;
    append_metric(out, "quantd_jobs", "gauge", "Jobs on the catalog that have not ended.");
    append_sample(out, "quantd_jobs", "state", "queued", queued);
    append_sample(out, "quantd_jobs", "state", "running", running);
    append_metric(out, "quantd_jobs_total", "counter", "Jobs that have ended.");
    for (const State state : {State::done, State::failed, State::cancelled})
        append_sample(out, "quantd_jobs_total", "state", state_name(state), ended_[static_cast<size_t>(state)]);
    return out;
}

} // namespace quantd
