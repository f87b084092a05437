// An axis of a chart: from numbers to coordinates, and where its marks stand.
#pragma once

#include <string>
#include <vector>

namespace quantctl {

struct Tick {
    double value;
    std::string label; ///< "" for a mark without words.
};

class Axis {
public:
    /// A linear axis with some room beyond both ends; a `low` of 0 stays where it is.
    static Axis linear(double low, double high);
    /// A logarithmic axis; both numbers above 0.
    static Axis logarithmic(double low, double high);

    /// Where 0 and 1 of place() lie.
    double low() const { return low_; }
    double high() const { return high_; }
    /// The share of the axis, 0 to 1, at which `value` stands; outside ones go to the end.
    double place(double value) const;
    const std::vector<Tick> &ticks() const { return ticks_; }

private:
    bool log_ = false;
    double low_ = 0, high_ = 1;
    std::vector<Tick> ticks_;
};

/// A number for a mark: few digits, no exponent between 0.0001 and 99999.
std::string tick_words(double value);

} // namespace quantctl
