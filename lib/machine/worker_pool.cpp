// The pool. A job is a pointer to the caller's function, and a gate: while it is open, workers that
// see it go in, run the function, and come out; the caller works too, closes the gate when
// nothing is left to do, and waits for those inside only. So a worker that did not come in time, since
// its core is busy with something else, holds nobody up. Both sides wait spinning for some
// tens of microseconds, because the next layer's job comes that soon, and then sleep,
// because a spinning thread on a shared machine steals from those that work; whoever is about
// to sleep looks whether somebody inside stands still, and lends the core (core_seat.h).
//
// Invariant: job and slabs are written only while the gate is closed and nobody is inside.
#include "machine/worker_pool.h"

#include "base/error.h"
#include "base/signals_blocked.h"
#include "machine/core_seat.h"
#include "machine/job_frame.h"
#include "machine/slab.h"
#include "machine/spin.h"
#include "machine/topology.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace quant {

namespace {

constexpr auto spin_time = std::chrono::microseconds(40);
/// Chunks a worker gets on average: enough that one slowed core delays the end little.
constexpr size_t chunks_per_worker = 32;

/// The gate's word: a job's number, whether one may go in, and how many are inside.
constexpr uint64_t gate_open = 1 << 15, inside_mask = gate_open - 1;
constexpr uint64_t job_number(uint64_t gate) { return gate >> 16; }

} // namespace

struct WorkerPool::State {
    WorkerLayout layout;
    std::mutex callers; ///< Held by the caller whose job runs.
    const std::function<void(unsigned)> *job = nullptr;
    std::atomic<uint64_t> gate{0};
    std::atomic<unsigned> done{0}; ///< Workers that came out of this job.
    std::atomic<bool> stopping{false};
    std::mutex parking;
    std::condition_variable work_came, work_done;
    std::mutex failure_guard;
    std::exception_ptr failure;
    std::vector<std::thread> threads;
    std::vector<Slab> slabs;     ///< Of the loop that runs, one for each worker.
    std::vector<CoreSeat> seats; ///< The caller's first.
    std::vector<unsigned> homes; ///< Cores: the one left for the caller, and each worker's. Empty: not pinned.

    explicit State(WorkerLayout l) : layout(std::move(l)), slabs(layout.workers), seats(layout.workers) {}
    void call(unsigned worker);
    void serve(unsigned worker);
    uint64_t await_job_after(uint64_t seen);
    bool go_in(uint64_t &seen);
    void come_out();
    template <class Ready> void wait(const Ready &ready, std::condition_variable &event);
    void make_room_for_caller();
    std::vector<unsigned> cores_of(unsigned worker) const;
    void start_threads(unsigned count);
    void stop_threads() noexcept;
    void run_locked(const std::function<void(unsigned)> &body, bool everyone);
    void run_shares(std::span<const size_t> starts, std::span<const WorkerGroup> groups, size_t chunk, const Body &body);
    void take_all(unsigned worker, const Body &body);
};

void WorkerPool::State::call(unsigned worker) {
    CoreSeat &seat = seats[worker];
    seat.enter();
    try {
        (*job)(worker);
    } catch (...) {
        const std::lock_guard lock(failure_guard);
        if (!failure) failure = std::current_exception();
    }
    // A worker first says that it is done, and then goes back to its own core.
    if (worker != 0) come_out();
    seat.leave();
}

void WorkerPool::State::come_out() {
    done.fetch_add(1, std::memory_order_release);
    // The caller may wait for the last one inside, or for everyone.
    gate.fetch_sub(1, std::memory_order_acq_rel);
    if (done.load(std::memory_order_relaxed) != threads.size() && (gate.load(std::memory_order_acquire) & inside_mask) != 0)
        return;
    // The lock orders this with a caller that is just going to sleep.
    const std::lock_guard lock(parking);
    work_done.notify_one();
}

template <class Ready>
void WorkerPool::State::wait(const Ready &ready, std::condition_variable &event) {
    if (spin_until(ready, spin_time)) return;
    lend_core_to_held_up(seats);
    std::unique_lock lock(parking);
    event.wait(lock, ready);
}

uint64_t WorkerPool::State::await_job_after(uint64_t seen) {
    wait([&] { return job_number(gate.load(std::memory_order_acquire)) != seen; }, work_came);
    return job_number(gate.load(std::memory_order_acquire));
}

/// Whether the job whose number is told is still open; then the worker is inside.
bool WorkerPool::State::go_in(uint64_t &seen) {
    uint64_t now = gate.load(std::memory_order_acquire);
    for (;;) {
        seen = job_number(now);
        if ((now & gate_open) == 0) return false;
        if (gate.compare_exchange_weak(now, now + 1, std::memory_order_acq_rel)) return true;
    }
}

void WorkerPool::State::serve(unsigned worker) {
    const JobScope scope(this, worker);
    for (uint64_t seen = 0;;) {
        seen = await_job_after(seen);
        if (stopping.load(std::memory_order_acquire)) return;
        if (go_in(seen)) call(worker);
    }
}

/// That a worker is bound to at first: none is anywhere.
std::vector<unsigned> WorkerPool::State::cores_of(unsigned worker) const {
    if (!homes.empty()) return {homes[worker]};
    if (layout.bound()) return layout.groups[layout.group_of(worker)].cpus;
    return {};
}

void WorkerPool::State::start_threads(unsigned count) {
    const SignalsBlocked in_threads;
    // Pinning pays only when there is a core for each worker; with fewer workers the
    // scheduler knows better which cores (of their node) are idle. The caller is never pinned.
    if (layout.pinned)
        for (const WorkerGroup &g : layout.groups) homes.insert(homes.end(), g.cpus.begin(), g.cpus.end());
    threads.reserve(count);
    try {
        for (unsigned i = 1; i <= count; ++i)
            threads.emplace_back([this, i, cpus = cores_of(i)] {
                ::pthread_setname_np(::pthread_self(), "quant-worker");
                seats[i].attach(cpus);
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
        gate.fetch_add(uint64_t{1} << 16, std::memory_order_release);
    }
    work_came.notify_all();
    for (std::thread &thread : threads) thread.join();
    threads.clear();
}

/// The caller runs where the system wants it to, but near to its group's memory; the worker whose core
/// that is gets the one that is left.
void WorkerPool::State::make_room_for_caller() {
    auto cpu = current_cpu();
    if (!cpu) return;
    const std::vector<unsigned> &near = layout.groups[0].cpus;
    if (layout.bound() && std::find(near.begin(), near.end(), *cpu) == near.end()) {
        visit_cores(near);
        cpu = current_cpu();
    }
    if (!cpu || homes.empty() || *cpu == homes[0]) return;
    const auto end = homes.begin() + layout.groups[0].count;
    const auto taken = std::find(homes.begin() + 1, end, *cpu);
    if (taken == end) return;
    if (seats[static_cast<size_t>(taken - homes.begin())].pin(homes[0])) std::swap(*taken, homes[0]);
}

/// With `callers` held. `everyone`: each worker must have run the body.
void WorkerPool::State::run_locked(const std::function<void(unsigned)> &body, bool everyone) {
    const JobScope scope(this, 0);
    seats[0].attach();
    make_room_for_caller();
    job = &body;
    done.store(0, std::memory_order_relaxed);
    if (!threads.empty()) {
        {
            const std::lock_guard lock(parking);
            gate.store((job_number(gate.load(std::memory_order_relaxed)) + 1) << 16 | gate_open, std::memory_order_release);
        }
        work_came.notify_all();
    }
    call(0);
    if (everyone) wait([&] { return done.load(std::memory_order_acquire) == threads.size(); }, work_done);
    gate.fetch_and(~gate_open, std::memory_order_acq_rel);
    wait([&] { return (gate.load(std::memory_order_acquire) & inside_mask) == 0; }, work_done);
    job = nullptr;
    if (failure) std::rethrow_exception(std::exchange(failure, nullptr));
}

/// All chunks of the worker's own slab, then of the others': of its group, then of the other groups.
void WorkerPool::State::take_all(unsigned worker, const Body &body) {
    size_t begin = 0, end = 0;
    while (slabs[worker].take_first(begin, end)) body(begin, end, worker);
    const WorkerGroup &own = layout.groups[layout.group_of(worker)];
    const auto help = [&](unsigned other) {
        while (slabs[other].take_last(begin, end)) body(begin, end, worker);
    };
    for (unsigned i = 1; i < own.count; i++) help(own.first + (worker - own.first + i) % own.count);
    for (unsigned i = 0; i < layout.workers - own.count; i++) help((own.first + own.count + i) % layout.workers);
}

/// With `callers` held: workers of groups[g] begin with [starts[g], starts[g + 1]).
void WorkerPool::State::run_shares(std::span<const size_t> starts, std::span<const WorkerGroup> groups, size_t chunk,
                                   const Body &body) {
    for (size_t g = 0; g < groups.size(); g++) {
        const size_t length = starts[g + 1] - starts[g], chunks = length == 0 ? 0 : (length - 1) / chunk + 1;
        for (unsigned w = 0; w < groups[g].count; w++)
            slabs[groups[g].first + w].assign(chunks * w / groups[g].count, chunks * (w + 1) / groups[g].count,
                                              starts[g], starts[g + 1], chunk);
    }
    run_locked(
        [&](unsigned worker) {
            try {
                take_all(worker, body);
            } catch (...) {
                for (Slab &slab : slabs) slab.empty(); // nobody starts another
                throw;
            }
        },
        false);
}

WorkerPool::WorkerPool(WorkerLayout layout) : state_(std::make_unique<State>(std::move(layout))) {
    state_->start_threads(state_->layout.workers - 1);
}

WorkerPool::~WorkerPool() { state_->stop_threads(); }

unsigned WorkerPool::size() const noexcept { return state_->layout.workers; }

const WorkerLayout &WorkerPool::layout() const noexcept { return state_->layout; }

void WorkerPool::run(const std::function<void(unsigned)> &body) {
    if (find_job(state_.get()))
        fail(QUANT_ERR_INTERNAL, "a job of a worker pool started another job on the same pool");
    const std::lock_guard lock(state_->callers);
    state_->run_locked(body, true);
}

void WorkerPool::parallel_for(size_t count, size_t grain, const Body &body) {
    if (count == 0) return;
    // From inside a job of this pool all others are busy: the current worker does it all.
    if (const JobFrame *frame = find_job(state_.get())) return body(0, count, frame->worker);

    const size_t chunk = std::max({grain, size_t{1}, (count - 1) / (size() * chunks_per_worker) + 1});
    const std::lock_guard lock(state_->callers);
    if (size() == 1 || chunk >= count) {
        const JobScope scope(state_.get(), 0);
        return body(0, count, 0);
    }
    const size_t starts[] = {0, count};
    const WorkerGroup all[] = {{0, size(), 0, {}}};
    state_->run_shares(starts, all, chunk, body);
}

void WorkerPool::parallel_for_shares(std::span<const size_t> starts, size_t grain, const Body &body) {
    const std::vector<WorkerGroup> &groups = state_->layout.groups;
    if (starts.size() != groups.size() + 1 || starts[0] != 0 || !std::is_sorted(starts.begin(), starts.end()))
        fail(QUANT_ERR_INTERNAL, "{} starts of shares: expected {}, ascending from 0", starts.size(), groups.size() + 1);
    if (groups.size() == 1) return parallel_for(starts[1], grain, body);
    const auto each_alone = [&](unsigned worker) {
        for (size_t g = 0; g < groups.size(); g++)
            if (starts[g] != starts[g + 1]) body(starts[g], starts[g + 1], worker);
    };
    if (const JobFrame *frame = find_job(state_.get())) return each_alone(frame->worker);
    const size_t count = starts.back();
    if (count == 0) return;
    const size_t chunk = std::max({grain, size_t{1}, (count - 1) / (size() * chunks_per_worker) + 1});
    const std::lock_guard lock(state_->callers);
    if (chunk >= count) {
        const JobScope scope(state_.get(), 0);
        return each_alone(0);
    }
    state_->run_shares(starts, groups, chunk, body);
}

} // namespace quant
