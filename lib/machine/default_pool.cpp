// How many workers a pool has by default; the one pool of the process, and how it is settled
// what its layout is: by the first who asks.
#include "machine/worker_pool.h"

#include "base/error.h"

#include <charconv>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <optional>

namespace quant {

namespace {

// QUANT_THREADS, or 0.
unsigned workers_wanted() {
    const char *text = std::getenv("QUANT_THREADS");
    if (!text || !*text) return 0;
    unsigned value = 0;
    const char *end = text + std::strlen(text);
    const auto parsed = std::from_chars(text, end, value);
    if (parsed.ec != std::errc{} || parsed.ptr != end || value < 1 || value > most_workers)
        fail(QUANT_ERR_ARGUMENT, "QUANT_THREADS is \"{}\"; expected a number from 1 to {}", printable(text), most_workers);
    return value;
}

struct Settled {
    std::mutex mutex;
    std::optional<NumaChoice> numa;
};

Settled &settled() {
    static Settled s;
    return s;
}

NumaChoice settled_or_default() {
    Settled &s = settled();
    const std::lock_guard lock(s.mutex);
    if (!s.numa) {
        const char *text = std::getenv("QUANT_NUMA");
        s.numa = parse_numa(text && *text ? text : "auto", machine_topology(), "QUANT_NUMA");
    }
    return *s.numa;
}

} // namespace

WorkerPool::WorkerPool(unsigned workers)
    : WorkerPool(lay_out_workers(machine_topology(), {}, workers != 0 ? workers : workers_wanted())) {}

void settle_numa(std::string_view words) {
    const NumaChoice wanted = parse_numa(words, machine_topology(), "numa");
    Settled &s = settled();
    const std::lock_guard lock(s.mutex);
    if (!s.numa) s.numa = wanted;
    if (*s.numa != wanted)
        fail(QUANT_ERR_ARGUMENT, "numa is \"{}\", but this process runs with {}, which the first model settled",
             printable(words), numa_words(*s.numa));
}

WorkerPool &default_pool() {
    static WorkerPool pool(lay_out_workers(machine_topology(), settled_or_default(), workers_wanted()));
    return pool;
}

} // namespace quant
