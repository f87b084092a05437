// Progress of long work, and the way to stop it.
#pragma once

#include <quant/status.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace quant {

/// Reports to a caller's callback, at most about ten times a second, and throws
/// Error (QUANT_ERR_CANCELLED) when the callback asks to stop. Used from one thread.
class Progress {
public:
    Progress() = default;
    Progress(quant_progress_fn fn, void *user) : fn_(fn), user_(user) {}

    /// Name the stage and the amount of work; resets `done` to 0.
    void begin(std::string stage, uint64_t total);
    /// Change only what is shown as being done.
    void stage(std::string name) { stage_ = std::move(name); }
    void detail(std::string text) { detail_ = std::move(text); }
    void advance(uint64_t units = 1) { done_ += units, report(false); }
    /// Report at once, whatever the time; also gives the callback a chance to cancel.
    void report(bool force = true);
    void finish() { done_ = total_, report(true); }

private:
    using Clock = std::chrono::steady_clock;
    quant_progress_fn fn_ = nullptr;
    void *user_ = nullptr;
    std::string stage_, detail_;
    uint64_t done_ = 0, total_ = 0;
    Clock::time_point start_ = Clock::now(), last_{};
};

} // namespace quant
