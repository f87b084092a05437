#include "base/progress.h"

#include "base/error.h"

namespace quant {

void Progress::begin(std::string stage, uint64_t total) {
    stage_ = std::move(stage);
    total_ = total;
    done_ = 0;
    start_ = Clock::now();
    report(true);
}

void Progress::report(bool force) {
    if (!fn_) return;
    const Clock::time_point now = Clock::now();
    if (!force && now - last_ < std::chrono::milliseconds(100)) return;
    last_ = now;
    quant_progress p{};
    p.size = sizeof p;
    p.stage = stage_.c_str();
    p.done = done_;
    p.total = total_;
    p.seconds = std::chrono::duration<double>(now - start_).count();
    p.detail = detail_.c_str();
    if (fn_(user_, &p) != 0) fail(QUANT_ERR_CANCELLED, "cancelled while working on {}", stage_);
}

} // namespace quant
