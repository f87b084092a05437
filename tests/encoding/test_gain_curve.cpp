// Curves of gain over the scale against the best of all choices, one by one.
#include "encoding/gain_curve.h"

#include <catch2/catch.hpp>

#include <memory>
#include <random>
#include <vector>

using namespace quant;

namespace {

constexpr size_t points = 256;
constexpr float low = 0.05f, high = 3;
using Points = PointGains<points>;
using Curve = GainCurve<48>;

// Choices as weights of 8 would have them: b grows with the square of a's levels.
std::unique_ptr<Points> random_points(uint32_t seed) {
    std::mt19937 random(seed);
    std::uniform_real_distribution<float> level(0, 2), weight(0.2f, 2);
    float x[8], w[8];
    for (size_t i = 0; i < 8; i++) x[i] = level(random), w[i] = weight(random);
    auto out = std::make_unique<Points>();
    for (size_t k = 0; k < points; k++) {
        float a = 0, b = 0;
        for (size_t i = 0; i < 8; i++) {
            const float g = level(random);
            a += w[i] * x[i] * g;
            b += w[i] * g * g;
        }
        out->a[k / lanes][k % lanes] = a;
        out->b[k / lanes][k % lanes] = b;
    }
    return out;
}

float best_gain(const Points &p, float scale) {
    float most = -INFINITY;
    for (uint32_t k = 0; k < points; k++) most = std::max(most, p.at(k).gain(scale));
    return most;
}

void require_descending(const Corner *corner, size_t size) {
    for (size_t i = 1; i < size; i++) {
        REQUIRE(corner[i].a < corner[i - 1].a);
        REQUIRE(corner[i].b < corner[i - 1].b);
    }
}

template <class F> void at_many_scales(const F &f) {
    for (float scale = low; scale < high; scale *= 1.07f) f(scale);
}

} // namespace

TEST_CASE("the best point is found, and of equals the first") {
    auto p = random_points(1);
    for (const uint32_t twin : {3u, 77u, 250u}) {
        p->a[twin / lanes][twin % lanes] = 1e6f;
        p->b[twin / lanes][twin % lanes] = 1;
    }
    REQUIRE(p->best(0.5f).code == 3);
    REQUIRE(p->best(0.5f).a == 1e6f);
}

TEST_CASE("a curve gains at every scale what the best of all points does") {
    for (uint32_t seed = 1; seed <= 20; seed++) {
        const auto p = random_points(seed);
        const Curve curve = curve_of<48>(*p, low, high);
        require_descending(curve.corner.data(), curve.size);
        at_many_scales([&](float scale) {
            INFO(seed << ", scale " << scale);
            const float most = best_gain(*p, scale);
            REQUIRE(curve.gain(scale) >= most - 1e-3f * std::abs(most) - 1e-4f);
            REQUIRE(curve.gain(scale) <= most + 1e-4f * std::abs(most) + 1e-5f);
        });
    }
}

TEST_CASE("independent choices add, alternatives join") {
    for (uint32_t seed = 1; seed <= 20; seed++) {
        const auto p = random_points(seed), q = random_points(seed + 100);
        const Curve first = curve_of<48>(*p, low, high), second = curve_of<48>(*q, low, high);
        const auto both = sum(first, second), either = join(first, second);
        require_descending(both.corner.data(), both.size);
        require_descending(either.corner.data(), either.size);
        at_many_scales([&](float scale) {
            INFO(seed << ", scale " << scale);
            const float a = first.gain(scale), b = second.gain(scale), slack = 1e-4f * (std::abs(a) + std::abs(b));
            REQUIRE(both.gain(scale) == Approx(a + b).margin(slack));
            REQUIRE(either.gain(scale) == Approx(std::max(a, b)).margin(slack));
        });
    }
}

TEST_CASE("the best scale of a curve is where nothing gains more") {
    const auto p = random_points(7);
    const Curve curve = curve_of<48>(*p, low, high);
    const float best = curve.gain(curve.best_scale());
    REQUIRE(best > 0);
    at_many_scales([&](float scale) { REQUIRE(curve.gain(scale) <= best * 1.0001f); });
}

TEST_CASE("weights that are all zero have one choice at every scale") {
    const auto p = std::make_unique<Points>();
    const Curve curve = curve_of<48>(*p, low, high);
    REQUIRE(curve.size == 1);
    REQUIRE(curve.best_scale() == 0);
    REQUIRE(sum(curve, curve).size == 1);
    REQUIRE(join(curve, curve).size == 1);
}
