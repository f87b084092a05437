// The logarithm of the loss falls nearly along a line as bits grow, but models differ
// by a factor that is much the same at all sizes. So the logarithm of that factor is
// what is interpolated between measured points, and kept beyond the last of them.
#include "loss_prediction.h"

#include <algorithm>

namespace quantctl {

namespace {

struct Typical {
    double bits_per_weight, loss;
};

/// Mean divergence of files quantized without data: round values between those measured
/// of a 5 million parameter model whose rows suit every encoding, and of one of 135
/// million whose rows do not. Larger models lose less at 2 and 3 bits.
constexpr Typical typical[] = {{1.6, 2.0},   {2.1, 0.9},   {2.7, 0.4},   {3.3, 0.22},   {4.1, 0.07}, {4.5, 0.038},
                               {4.9, 0.028}, {5.7, 0.0095}, {6.6, 0.004}, {8.5, 0.0008}, {16, 0.00001}};

constexpr double same_bits = 0.01, smallest_loss = 1e-9;

double between(double x, double x0, double y0, double x1, double y1) { return y0 + (y1 - y0) * (x - x0) / (x1 - x0); }

} // namespace

double typical_loss(double bits_per_weight) {
    // The piece that holds it, or the outermost, which goes on as it ends.
    size_t i = 1;
    while (i + 1 < std::size(typical) && typical[i].bits_per_weight < bits_per_weight) i++;
    const Typical &a = typical[i - 1], &b = typical[i];
    return std::exp(between(bits_per_weight, a.bits_per_weight, std::log(a.loss), b.bits_per_weight, std::log(b.loss)));
}

LossPrediction::LossPrediction(const MeasuredModel &model) {
    std::vector<Point> all;
    for (const MeasuredVariant *v : model.measured())
        if (v->chosen.kld > smallest_loss && std::isfinite(v->bits_per_weight))
            all.push_back({v->bits_per_weight, std::log(v->chosen.kld / typical_loss(v->bits_per_weight))});
    std::sort(all.begin(), all.end(),
              [](const Point &a, const Point &b) { return a.bits_per_weight < b.bits_per_weight; });
    // Several methods at one size stand for their geometric mean.
    for (size_t i = 0; i < all.size();) {
        size_t end = i;
        double shift = 0;
        for (; end < all.size() && all[end].bits_per_weight - all[i].bits_per_weight < same_bits; end++)
            shift += all[end].shift;
        points_.push_back({all[i].bits_per_weight, shift / static_cast<double>(end - i)});
        i = end;
    }
}

double LossPrediction::at(double bits_per_weight) const {
    const double usual = typical_loss(bits_per_weight);
    if (points_.empty()) return usual;
    const auto above = std::find_if(points_.begin(), points_.end(),
                                    [&](const Point &p) { return p.bits_per_weight >= bits_per_weight; });
    if (above == points_.begin()) return usual * std::exp(above->shift);
    if (above == points_.end()) return usual * std::exp(points_.back().shift);
    const Point &below = *(above - 1);
    const double shift =
        between(bits_per_weight, below.bits_per_weight, below.shift, above->bits_per_weight, above->shift);
    return usual * std::exp(shift);
}

} // namespace quantctl
