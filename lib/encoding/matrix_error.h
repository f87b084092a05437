// Passes over the weights of a matrix: what no encoding takes, sums of squares, what encoding lost.
#pragma once

#include <cstddef>
#include <span>

namespace quant {

/// Sums of squares, of weights and of their errors.
struct ErrorSums {
    double error = 0, weight = 0;
    void operator+=(const ErrorSums &other) { error += other.error, weight += other.weight; }
};

/// Spans of one length. The same on every CPU: sums run in fixed lanes.
ErrorSums error_sums(std::span<const float> weights, std::span<const float> decoded);

/// Sum of x² y over spans of one length; the same on every CPU.
float weighted_squares(std::span<const float> x, std::span<const float> y);

/// Place of the first infinity or NaN; the size of the span where there is none.
size_t first_not_finite(std::span<const float> weights);

} // namespace quant
