// The pool. A job is a pointer to the caller's function and an epoch number; workers
// see the epoch change, run the function, and count themselves out. Both sides spin
// for some tens of microseconds, because the next layer's job comes that soon, and
// then sleep, because a spinning thread on a shared machine steals from those that work.
//
// Invariant: `job` is written only while no worker is between the epoch's change and
// its own count-out, so it needs no lock; the epoch (release/acquire) publishes it.
#include "machine/worker_pool.h"

#include "base/error.h"
#include "machine/topology.h"

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace quant {

namespace {

constexpr unsigned max_workers = 1024;
constexpr auto spin_time = std::chrono::microseconds(40);
/// Chunks a worker gets on average: enough that one slowed core delays the end little.
constexpr size_t chunks_per_worker = 8;

void relax_cpu() {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
}

/// Spin until `ready()` or the time is up; says whether it is ready.
template <class Ready>
bool spin_until(Ready &&ready) {
    const auto deadline = std::chrono::steady_clock::now() + spin_time;
    for (;;) {
        for (int i = 0; i < 64; ++i) {
            if (ready()) return true;
            relax_cpu();
        }
        if (std::chrono::steady_clock::now() >= deadline) return ready();
    }
}

/// The pools whose jobs the current thread is inside of, innermost first.
struct Frame {
    const void *pool;
    unsigned worker;
    const Frame *outer;
};
thread_local const Frame *innermost = nullptr;

class FrameScope {
public:
    FrameScope(const void *pool, unsigned worker) : frame_{pool, worker, innermost} { innermost = &frame_; }
    ~FrameScope() { innermost = frame_.outer; }
    FrameScope(const FrameScope &) = delete;
    FrameScope &operator=(const FrameScope &) = delete;

private:
    Frame frame_;
};

const Frame *find_frame(const void *pool) {
    const Frame *frame = innermost;
    while (frame && frame->pool != pool) frame = frame->outer;
    return frame;
}

unsigned workers_wanted(unsigned asked) {
    if (asked != 0) return std::min(asked, max_workers);
    const char *text = std::getenv("QUANT_THREADS");
    if (!text || !*text) return std::min(machine_topology().usable(), max_workers);
    unsigned value = 0;
    const char *end = text + std::strlen(text);
    const auto parsed = std::from_chars(text, end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end || value < 1 || value > max_workers)
        fail(QUANT_ERR_ARGUMENT, "QUANT_THREADS is \"{}\"; expected a number from 1 to {}", printable(text), max_workers);
    return value;
}

void pin_to(unsigned cpu) {
    // A refused pin costs speed only, so it is no error.
    if (cpu >= CPU_SETSIZE) return;
    cpu_set_t set;
    CPU_ZERO(&set);
    CPU_SET(cpu, &set);
    pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

} // namespace

namespace {

/// A run of chunks that one worker takes from the front, and the others, when theirs are done,
/// from the back: each reads memory in one stream as long as nobody is held up.
class alignas(64) Slab {
public:
    void reset(size_t begin, size_t end) { range_.store(pack(begin, end), std::memory_order_relaxed); }
    bool take_first(size_t &chunk) { return take(chunk, true); }
    bool take_last(size_t &chunk) { return take(chunk, false); }

private:
    // Chunks are few (chunks_per_worker each), so that both ends fit one word.
    static uint64_t pack(size_t begin, size_t end) { return uint64_t{begin} << 32 | end; }
    bool take(size_t &chunk, bool first) {
        uint64_t range = range_.load(std::memory_order_relaxed);
        for (;;) {
            const size_t begin = range >> 32, end = range & 0xffffffff;
            if (begin >= end) return false;
            chunk = first ? begin : end - 1;
            const uint64_t rest = first ? pack(begin + 1, end) : pack(begin, end - 1);
            if (range_.compare_exchange_weak(range, rest, std::memory_order_relaxed)) return true;
        }
    }

    std::atomic<uint64_t> range_{0};
};

} // namespace

struct WorkerPool::State {
    std::mutex callers; ///< Held by the caller whose job runs.
    const std::function<void(unsigned)> *job = nullptr;
    std::atomic<uint64_t> epoch{0};
    std::atomic<unsigned> running{0};
    std::atomic<bool> stopping{false};
    std::mutex parking;
    std::condition_variable work_came, work_done;
    std::mutex failure_guard;
    std::exception_ptr failure;
    std::vector<std::thread> threads;
    std::vector<Slab> slabs; ///< Of the parallel_for() that runs, one for each worker.

    void call(unsigned worker);
    void serve(unsigned worker);
    uint64_t await_epoch_after(uint64_t seen);
    void start_threads(unsigned count);
    void stop_threads() noexcept;
    void run_locked(const std::function<void(unsigned)> &body);
};

void WorkerPool::State::call(unsigned worker) {
    try {
        (*job)(worker);
    } catch (...) {
        const std::lock_guard lock(failure_guard);
        if (!failure) failure = std::current_exception();
    }
}

uint64_t WorkerPool::State::await_epoch_after(uint64_t seen) {
    const auto changed = [&] { return epoch.load(std::memory_order_acquire) != seen; };
    if (!spin_until(changed)) {
        std::unique_lock lock(parking);
        work_came.wait(lock, changed);
    }
    return epoch.load(std::memory_order_acquire);
}

void WorkerPool::State::serve(unsigned worker) {
    const FrameScope scope(this, worker);
    for (uint64_t seen = 0;;) {
        seen = await_epoch_after(seen);
        if (stopping.load(std::memory_order_acquire)) return;
        call(worker);
        if (running.fetch_sub(1, std::memory_order_acq_rel) == 1) {
            // The lock orders this with a caller that is just going to sleep.
            const std::lock_guard lock(parking);
            work_done.notify_one();
        }
    }
}

void WorkerPool::State::start_threads(unsigned count) {
    // Pinning pays only when there is a core for each worker; with fewer workers the
    // scheduler knows better which cores are idle. The caller is never pinned.
    const auto &cores = machine_topology().cores;
    const bool pin = count + 1 == cores.size();
    threads.reserve(count);
    try {
        for (unsigned i = 1; i <= count; ++i)
            threads.emplace_back([this, i, pin, cpu = pin ? cores[i].cpu : 0] {
                if (pin) pin_to(cpu);
                serve(i);
            });
    } catch (const std::system_error &) {
        stop_threads();
        fail(QUANT_ERR_NO_MEMORY, "the operating system refused to start {} worker threads", count);
    }
}

void WorkerPool::State::stop_threads() noexcept {
    {
        const std::lock_guard lock(parking);
        stopping.store(true, std::memory_order_release);
        epoch.fetch_add(1, std::memory_order_release);
    }
    work_came.notify_all();
    for (std::thread &thread : threads) thread.join();
    threads.clear();
}

/// With `callers` held.
void WorkerPool::State::run_locked(const std::function<void(unsigned)> &body) {
    job = &body;
    running.store(static_cast<unsigned>(threads.size()), std::memory_order_relaxed);
    if (!threads.empty()) {
        {
            const std::lock_guard lock(parking);
            epoch.fetch_add(1, std::memory_order_release);
        }
        work_came.notify_all();
    }
    {
        const FrameScope scope(this, 0);
        call(0);
    }
    const auto finished = [&] { return running.load(std::memory_order_acquire) == 0; };
    if (!spin_until(finished)) {
        std::unique_lock lock(parking);
        work_done.wait(lock, finished);
    }
    job = nullptr;
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

WorkerPool::WorkerPool(unsigned workers) : state_(std::make_unique<State>()) {
    const unsigned wanted = workers_wanted(workers);
    state_->slabs = std::vector<Slab>(wanted);
    state_->start_threads(wanted - 1);
}

WorkerPool::~WorkerPool() { state_->stop_threads(); }

unsigned WorkerPool::size() const noexcept { return static_cast<unsigned>(state_->threads.size()) + 1; }

void WorkerPool::run(const std::function<void(unsigned)> &body) {
    if (find_frame(state_.get()))
        fail(QUANT_ERR_INTERNAL, "a job of a worker pool started another job on the same pool");
    const std::lock_guard lock(state_->callers);
    state_->run_locked(body);
}

void WorkerPool::parallel_for(size_t count, size_t grain,
                              const std::function<void(size_t, size_t, unsigned)> &body) {
    if (count == 0) return;
    // From inside a job of this pool all others are busy: the current worker does it all.
    if (const Frame *frame = find_frame(state_.get())) return body(0, count, frame->worker);

    const size_t chunk = std::max({grain, size_t{1}, (count - 1) / (size() * chunks_per_worker) + 1});
    const std::lock_guard lock(state_->callers);
    if (size() == 1 || chunk >= count) {
        const FrameScope scope(state_.get(), 0);
        return body(0, count, 0);
    }
    std::vector<Slab> &slabs = state_->slabs;
    const size_t chunks = (count - 1) / chunk + 1;
    for (unsigned w = 0; w < size(); w++) slabs[w].reset(chunks * w / size(), chunks * (w + 1) / size());
    state_->run_locked([&](unsigned worker) {
        try {
            size_t i;
            const auto work = [&] { body(i * chunk, std::min(count, (i + 1) * chunk), worker); };
            while (slabs[worker].take_first(i)) work();
            for (unsigned other = 1; other < size(); other++)
                while (slabs[(worker + other) % size()].take_last(i)) work();
        } catch (...) {
            for (Slab &slab : slabs) slab.reset(0, 0); // nobody starts another
            throw;
        }
    });
}

WorkerPool &default_pool() {
    static WorkerPool pool;
    return pool;
}

} // namespace quant
