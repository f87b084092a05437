#include "plot_axis.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace quantctl {

namespace {

constexpr double wanted_ticks = 5, largest = 1e300;
constexpr int most_decades = 8;

// 1, 2 or 5 times a power of ten, so that about `wanted_ticks` steps cover the span.
double round_step(double span) {
    const double rough = span / wanted_ticks, power = std::pow(10, std::floor(std::log10(rough)));
    for (const double factor : {1.0, 2.0, 5.0})
        if (factor * power >= rough * 0.999) return factor * power;
    return 10 * power;
}

} // namespace

std::string tick_words(double value) {
    const double size = std::fabs(value);
    if (size != 0 && (size < 0.9999e-4 || size >= 1e5)) return fmt::format("{:.0e}", value);
    return fmt::format("{:.4g}", value);
}

Axis Axis::linear(double low, double high) {
    Axis axis;
    low = std::clamp(low, -largest, largest), high = std::clamp(high, -largest, largest);
    if (!(high > low)) { // One point only: room on both sides.
        const double room = high != 0 ? std::fabs(high) / 2 : 1;
        low -= room, high += room;
    }
    const double margin = 0.06 * (high - low);
    const double step = round_step(high - low);
    axis.low_ = low == 0 ? 0 : low - margin;
    axis.high_ = high + margin;
    // Counted, since adding a step to a number may not change it.
    const double first = std::ceil(axis.low_ / step), last = std::floor(axis.high_ / step);
    for (int i = 0; i <= static_cast<int>(std::min(last - first, 20.0)); i++) {
        const double value = (first + i) * step;
        axis.ticks_.push_back({value, tick_words(value)});
    }
    return axis;
}

Axis Axis::logarithmic(double low, double high) {
    Axis axis;
    axis.log_ = true;
    axis.low_ = low / 1.4, axis.high_ = std::min(high, largest) * 1.4;
    const int first = static_cast<int>(std::floor(std::log10(axis.low_))),
              last = static_cast<int>(std::ceil(std::log10(axis.high_)));
    const bool words_between = last - first <= 3;
    const int stride = (last - first) / most_decades + 1; // Words at every so many decades.
    for (int decade = first; decade <= last; decade++) {
        for (const double factor : {1.0, 2.0, 5.0}) {
            const double value = factor * std::pow(10, decade);
            if (value < axis.low_ || value > axis.high_) continue;
            const bool words = factor == 1.0 ? decade % stride == 0 : words_between;
            axis.ticks_.push_back({value, words ? tick_words(value) : ""});
        }
    }
    return axis;
}

double Axis::place(double value) const {
    const double share = log_ ? (std::log(value) - std::log(low_)) / (std::log(high_) - std::log(low_))
                              : (value - low_) / (high_ - low_);
    return std::isfinite(share) ? std::clamp(share, 0.0, 1.0) : 0;
}

} // namespace quantctl
