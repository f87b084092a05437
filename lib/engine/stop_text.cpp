#include "engine/stop_text.h"

#include <algorithm>
#include <utility>

namespace quant {

StopText::StopText(std::vector<std::string> stops) : stops_(std::move(stops)) {
    std::erase_if(stops_, [](const std::string &s) { return s.empty(); });
}

std::string StopText::push(std::string_view text) {
    if (stopped_) return "";
    held_ += text;
    size_t end = held_.size();
    for (const std::string &stop : stops_)
        if (const size_t at = held_.find(stop); at < end) end = at, stopped_ = true;
    if (!stopped_) {
        // The longest end of the text that some stop string begins with.
        size_t kept = 0;
        for (const std::string &stop : stops_)
            for (size_t n = std::min(stop.size() - 1, held_.size()); n > kept; n--)
                if (held_.compare(held_.size() - n, n, stop, 0, n) == 0) kept = n;
        end -= kept;
    }
    std::string out = held_.substr(0, end);
    held_.erase(0, end);
    if (stopped_) held_.clear();
    return out;
}

std::string StopText::finish() { return std::exchange(held_, ""); }

} // namespace quant
