// Where a thread of a pool runs, and how another one lends it its core.
//
// On a core that it shares with a busy process, a thread stands still for whole time slices,
// some milliseconds, and mostly in the middle of a chunk of work: all others wait for it. They
// have cores that are free meanwhile, so one of these takes the thread in: it is bound to the
// waiting thread's core, which sleeps, until the chunk is done. What is lost is some tens of
// microseconds instead of the slice.
#pragma once

#include <sched.h>
#include <sys/types.h>

#include <atomic>
#include <cstdint>
#include <optional>
#include <span>

namespace quant {

/// The calling thread's core, as far as the system tells.
std::optional<unsigned> current_cpu();

/// Bring the calling thread to one of these cores, if it may run there, without binding it to stay.
void visit_cores(std::span<const unsigned> cpus);

/// One thread's; others may lend.
class alignas(64) CoreSeat {
public:
    /// Whose seat it is: the calling thread's, which is bound to these cores first, if there are any. Nobody sits there.
    void attach(std::span<const unsigned> cpus = {});
    /// Bind the thread, which does not sit, to a core. Whether that was so and the system agreed; if not,
    /// it costs speed only.
    bool pin(unsigned cpu);

    /// The thread sits down: it works on something that others wait for.
    void enter();
    /// It is done, and goes back to where it was bound before somebody lent it a core.
    void leave();

    /// CPU time that it has had; nothing if it does not sit.
    std::optional<int64_t> nanoseconds() const;
    /// Bring it to a core, if it still sits.
    bool lend(unsigned cpu);

private:
    enum State : int { outside, inside, changing, lent };
    std::atomic<int> state_{outside};
    std::atomic<pid_t> thread_{0}; ///< 0: nobody's yet.
    cpu_set_t own_{}; ///< Written by who changes, read by the thread.
};

/// For a thread that is about to sleep, since others have not done their part: looks whether one that sits
/// stands still, and lends it the calling thread's core. Takes some microseconds where somebody sits.
void lend_core_to_held_up(std::span<CoreSeat> seats);

} // namespace quant
