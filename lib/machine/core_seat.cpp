#include "machine/core_seat.h"

#include "machine/spin.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <utility>

namespace quant {

namespace {

/// How long a thread that others wait for is watched before it counts as standing still, and how many at a time.
constexpr auto watch_time = std::chrono::microseconds(15);
constexpr size_t most_watched = 8;

pid_t this_thread() {
    thread_local const auto id = static_cast<pid_t>(::syscall(SYS_gettid));
    return id;
}

/// The clock of a thread's CPU time, as pthread_getcpuclockid() makes it, which needs a thread that has not ended.
clockid_t cpu_clock(pid_t thread) {
    constexpr unsigned of_thread = 4, scheduled = 2;
    return static_cast<clockid_t>(~static_cast<unsigned>(thread) << 3 | of_thread | scheduled);
}

cpu_set_t set_of(std::span<const unsigned> cpus) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (const unsigned cpu : cpus)
        if (cpu < CPU_SETSIZE) CPU_SET(cpu, &set);
    return set;
}

// Cores that are not there, or may not be used, are refused, which costs speed only.
bool bind(pid_t thread, std::span<const unsigned> cpus) {
    const cpu_set_t set = set_of(cpus);
    return CPU_COUNT(&set) > 0 && ::sched_setaffinity(thread, sizeof set, &set) == 0;
}

} // namespace

std::optional<unsigned> current_cpu() {
    const int cpu = ::sched_getcpu();
    if (cpu < 0) return std::nullopt;
    return static_cast<unsigned>(cpu);
}

void visit_cores(std::span<const unsigned> cpus) {
    cpu_set_t before, there = set_of(cpus);
    if (::sched_getaffinity(0, sizeof before, &before) != 0) return;
    CPU_AND(&there, &there, &before);
    if (CPU_COUNT(&there) == 0 || ::sched_setaffinity(0, sizeof there, &there) != 0) return;
    ::sched_setaffinity(0, sizeof before, &before);
}

void CoreSeat::attach(std::span<const unsigned> cpus) {
    if (!cpus.empty()) bind(this_thread(), cpus);
    thread_.store(this_thread(), std::memory_order_release);
}

bool CoreSeat::pin(unsigned cpu) {
    int found = outside;
    if (thread_.load(std::memory_order_acquire) == 0 ||
        !state_.compare_exchange_strong(found, changing, std::memory_order_acq_rel)) return false;
    const bool done = bind(thread_.load(std::memory_order_relaxed), {&cpu, 1});
    state_.store(outside, std::memory_order_release);
    return done;
}

void CoreSeat::enter() {
    int found = outside;
    while (!state_.compare_exchange_weak(found, inside, std::memory_order_acq_rel)) {
        found = outside;
        ::sched_yield();
    }
}

void CoreSeat::leave() {
    int found = inside;
    if (state_.compare_exchange_strong(found, outside, std::memory_order_acq_rel)) return;
    // Who changes it is about to be done.
    while (state_.load(std::memory_order_acquire) == changing) ::sched_yield();
    if (state_.load(std::memory_order_acquire) == lent) ::sched_setaffinity(0, sizeof own_, &own_);
    state_.store(outside, std::memory_order_release);
}

std::optional<int64_t> CoreSeat::nanoseconds() const {
    if (state_.load(std::memory_order_acquire) != inside) return std::nullopt;
    timespec time{};
    if (::clock_gettime(cpu_clock(thread_.load(std::memory_order_relaxed)), &time) != 0) return std::nullopt;
    return int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

bool CoreSeat::lend(unsigned cpu) {
    int found = inside;
    if (!state_.compare_exchange_strong(found, changing, std::memory_order_acq_rel)) return false;
    const pid_t thread = thread_.load(std::memory_order_relaxed);
    const bool done = ::sched_getaffinity(thread, sizeof own_, &own_) == 0 && bind(thread, {&cpu, 1});
    state_.store(done ? lent : inside, std::memory_order_release);
    return done;
}

void lend_core_to_held_up(std::span<CoreSeat> seats) {
    const auto cpu = current_cpu();
    if (!cpu) return;
    std::array<std::pair<CoreSeat *, int64_t>, most_watched> watched;
    size_t count = 0;
    for (CoreSeat &seat : seats) {
        if (count == watched.size()) break;
        if (const auto time = seat.nanoseconds()) watched[count++] = {&seat, *time};
    }
    if (count == 0) return;
    spin_until([] { return false; }, watch_time);
    for (const auto &[seat, before] : std::span(watched).first(count)) {
        const auto now = seat->nanoseconds();
        if (now && *now - before < std::chrono::nanoseconds(watch_time).count() / 4 && seat->lend(*cpu)) return;
    }
}

} // namespace quant
