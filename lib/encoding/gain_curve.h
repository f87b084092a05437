// How much error a choice of code removes, as a function of the scale.
//
// Weights x that become scale * g for some point g lose w (x - s g)^2, which is less than
// what zeros would lose by the gain 2 s a - s^2 b, with a = sum w x g and b = sum w g^2.
// Whatever is to be chosen (a point for 8 weights, signs, points for a whole group),
// only (a, b) matters. For a given s the best choice has the largest a - (s / 2) b: these
// are straight lines in s / 2, and the best of them form a convex chain of few corners.
// So a curve, the chain of a set of choices, says at once what is best at every scale.
// Curves of independent choices add, and curves of alternatives join, exactly.
#pragma once

#include "encoding/scale_search.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace quant {

/// As many numbers as a group of sums has lanes, for GCC to fit to the CPU's vectors.
using LaneFloats = float __attribute__((vector_size(lanes * sizeof(float))));
using LaneInts = int32_t __attribute__((vector_size(lanes * sizeof(int32_t))));

/// One choice: at scale s it gains 2 s a - s^2 b.
struct Corner {
    float a, b;
    uint32_t code;

    float value(float half_scale) const { return a - half_scale * b; }
    float gain(float scale) const { return scale * (2 * a - scale * b); }
};

/// Corners in the order in which they are best as the scale grows: a and b descend.
template <size_t Most> struct GainCurve {
    static constexpr size_t most = Most;
    std::array<Corner, Most> corner;
    size_t size = 0;

    void push(const Corner &c) { corner[size++] = c; }

    const Corner &best(float scale) const {
        const float h = scale / 2;
        size_t at = 0;
        while (at + 1 < size && corner[at + 1].value(h) >= corner[at].value(h)) at++;
        return corner[at];
    }
    float gain(float scale) const { return best(scale).gain(scale); }

    /// The scale of the largest gain of all.
    float best_scale() const {
        float best = 0, scale = 0;
        for (size_t i = 0; i < size; i++) {
            const Corner &c = corner[i];
            if (c.a > 0 && c.b > 0 && c.a * c.a / c.b > best) best = c.a * c.a / c.b, scale = c.a / c.b;
        }
        return scale;
    }
};

/// Half of the scale where two corners gain alike; the first has the larger b.
/// Of two with the same b the one with the larger a is better at every scale.
inline float tie(const Corner &p, const Corner &q) {
    const float a = p.a - q.a, b = p.b - q.b;
    return b > 0 ? a / b : a > 0 ? INFINITY : -INFINITY;
}

/// Both choices made, each for its own weights.
template <size_t M, size_t N> GainCurve<M + N> sum(const GainCurve<M> &p, const GainCurve<N> &q) {
    GainCurve<M + N> out;
    size_t i = 0, j = 0;
    while (true) {
        out.push({p.corner[i].a + q.corner[j].a, p.corner[i].b + q.corner[j].b, 0});
        const bool more_p = i + 1 < p.size, more_q = j + 1 < q.size;
        if (!more_p && !more_q) return out;
        const float next_p = more_p ? tie(p.corner[i], p.corner[i + 1]) : INFINITY;
        const float next_q = more_q ? tie(q.corner[j], q.corner[j + 1]) : INFINITY;
        i += more_p && next_p <= next_q;
        j += more_q && next_q <= next_p;
    }
}

/// Either choice, for the same weights.
template <size_t M, size_t N> GainCurve<M + N> join(const GainCurve<M> &p, const GainCurve<N> &q) {
    GainCurve<M + N> out;
    size_t i = 0, j = 0;
    while (i < p.size || j < q.size) {
        const bool from_p = j == q.size || (i < p.size && p.corner[i].b >= q.corner[j].b);
        const Corner c = from_p ? p.corner[i++] : q.corner[j++];
        if (out.size > 0 && c.b == out.corner[out.size - 1].b) {
            if (c.a <= out.corner[out.size - 1].a) continue;
            out.size--;
        }
        // A corner that its neighbours overtake before its turn is none.
        while (out.size > 1 &&
               tie(out.corner[out.size - 1], c) <= tie(out.corner[out.size - 2], out.corner[out.size - 1]))
            out.size--;
        // One that never is better at a positive scale neither.
        while (out.size > 0 && c.a >= out.corner[out.size - 1].a) out.size--;
        out.push(c);
    }
    return out;
}

/// (a, b) of all points of a book for some weights.
template <size_t Points> struct PointGains {
    static constexpr size_t steps = Points / lanes;
    LaneFloats a[steps], b[steps];

    Corner at(uint32_t code) const { return {a[code / lanes][code % lanes], b[code / lanes][code % lanes], code}; }

    /// The point with the largest a - h b; of equals the first.
    Corner best(float h) const {
        LaneFloats most = a[0] - h * b[0];
        LaneInts step = {};
        for (int j = 1; j < static_cast<int>(steps); j++) {
            const LaneFloats value = a[j] - h * b[j];
            const LaneInts more = value > most;
            step = more ? step * 0 + j : step;
            most = more ? value : most;
        }
        float value[lanes];
        int32_t of_step[lanes];
        std::memcpy(value, &most, sizeof value);
        std::memcpy(of_step, &step, sizeof of_step);
        size_t lane = 0;
        for (size_t k = 1; k < lanes; k++)
            if (value[k] > value[lane] || (value[k] == value[lane] && of_step[k] < of_step[lane])) lane = k;
        return at(static_cast<uint32_t>(of_step[lane]) * lanes + static_cast<uint32_t>(lane));
    }
};

/// The curve of all points between two scales. Corners are found by looking, between two
/// known ones, at the scale where they tie: what is better there lies between them.
template <size_t Most, size_t Points>
GainCurve<Most> curve_of(const PointGains<Points> &points, float low, float high) {
    constexpr float worth = 1e-5f; // Of the sums that nearly cancel; less is rounding.
    GainCurve<Most> out;
    out.push(points.best(low / 2));
    if (high <= low) return out;
    const Corner last = points.best(high / 2);
    if (last.b >= out.corner[0].b || last.a >= out.corner[0].a) return out;
    out.push(last);
    for (size_t i = 0; i + 1 < out.size && out.size < Most;) {
        const Corner &p = out.corner[i], &q = out.corner[i + 1];
        const float h = tie(p, q);
        const Corner r = points.best(h);
        const bool between = r.a < p.a && r.a > q.a && r.b < p.b && r.b > q.b;
        if (between && r.value(h) > p.value(h) + worth * (std::abs(p.a) + h * p.b)) {
            std::copy_backward(out.corner.begin() + static_cast<ptrdiff_t>(i) + 1,
                               out.corner.begin() + static_cast<ptrdiff_t>(out.size),
                               out.corner.begin() + static_cast<ptrdiff_t>(out.size) + 1);
            out.corner[i + 1] = r;
            out.size++;
        } else {
            i++;
        }
    }
    return out;
}

} // namespace quant
