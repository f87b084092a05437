// One line on stderr that shows where long work stands. It is drawn only on a
// terminal, fits its width, never goes backwards, and is gone at the end. While one
// lives, Ctrl-C asks the work to stop instead of ending the program.
#pragma once

#include "interrupt.h"

#include <quant/status.h>

#include <chrono>
#include <cstdint>
#include <string>

namespace quantctl {

/// Everything the line says.
struct ProgressView {
    std::string label;       ///< "quantizing"
    std::string unit;        ///< Of `per_second`, "B" or " weights"; "": no speed is shown.
    std::string stage;       ///< A tensor's name
    std::string detail;      ///< "PPL 17.8"
    uint64_t done = 0, total = 0;
    double per_second = 0;   ///< 0: not known yet
};

/// The line, no wider than `columns`: what matters least is left out first.
std::string progress_line(const ProgressView &view, size_t columns);

class ProgressBar {
public:
    /// Nothing is drawn before `quiet_seconds` have passed.
    ProgressBar(std::string label, std::string unit, double quiet_seconds = 0);
    ~ProgressBar() { erase(); }
    ProgressBar(const ProgressBar &) = delete;
    ProgressBar &operator=(const ProgressBar &) = delete;

    /// A quant_progress_fn whose `user` is a ProgressBar; stops on Ctrl-C.
    static int report(void *bar, const quant_progress *progress);
    /// Take the line away; the next report draws it again.
    void erase();

private:
    using Clock = std::chrono::steady_clock;
    void update(const quant_progress &progress);
    void draw();

    interrupt::Cooperative cooperative_;
    ProgressView view_;
    double quiet_seconds_;
    Clock::time_point begin_, phase_, drawn_at_{};
    size_t width_ = 0; ///< Columns of what is on the screen now.
};

} // namespace quantctl
