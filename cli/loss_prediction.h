// What a variant that nobody measured would lose, from its bits per weight: the typical
// curve, bent so that it goes through what was measured of the same model.
#pragma once

#include "measured_model.h"

#include <vector>

namespace quantctl {

class LossPrediction {
public:
    /// Learns from the variants of the chosen group.
    explicit LossPrediction(const MeasuredModel &model);

    /// Mean KL divergence, nats a token.
    double at(double bits_per_weight) const;
    /// How many measured points it goes through; 0: the typical curve as it is.
    size_t points() const { return points_.size(); }

private:
    struct Point {
        double bits_per_weight, shift; ///< shift: ln(measured / typical).
    };
    std::vector<Point> points_; ///< By bits per weight, each once.
};

/// The typical curve alone.
double typical_loss(double bits_per_weight);

} // namespace quantctl
