// Vector operations of every tier against double, at all lengths around the
// registers' widths, between guard pages.
#include "kernel_test_support.h"

#include <numbers>

using namespace quant;
using namespace quant::kernel;
using test::Guarded;
using test::Random;

namespace {

void require_close(double got, double expected, double absolute = 1e-30) {
    INFO("got " << got << ", expected " << expected << ", seed " << test::run_seed());
    REQUIRE(std::fabs(got - expected) <= std::max(2e-6 * std::fabs(expected), absolute));
}

/// Call body(table, n, buffers' placement) for all tiers and many lengths.
template <class Body>
void for_lengths(Body &&body) {
    for (const KernelTable *table : test::tiers())
        for (size_t n = 1; n < 300; n += n < 70 ? 1 : 37) {
            INFO(table->tier << " n = " << n);
            body(*table, n, n % 2 == 0);
        }
}

} // namespace

TEST_CASE("dot, axpy and add match double") {
    Random random(3);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        Guarded<float> a(random.normals(n), at_start), b(random.normals(n), at_start);
        double exact = 0, magnitude = 0;
        for (size_t i = 0; i < n; ++i) {
            exact += static_cast<double>(a[i]) * b[i];
            magnitude += std::fabs(static_cast<double>(a[i]) * b[i]);
        }
        REQUIRE(std::fabs(table.vector.dot(a.data(), b.data(), n) - exact) <= test::sum_bound(n, magnitude));
        Guarded<float> y(b.copy(), at_start);
        table.vector.axpy(0.7f, a.data(), y.data(), n);
        for (size_t i = 0; i < n; ++i) require_close(y[i], static_cast<double>(0.7f) * a[i] + b[i], 1e-6);
        Guarded<float> z(b.copy(), at_start);
        table.vector.add(a.data(), z.data(), n);
        for (size_t i = 0; i < n; ++i) REQUIRE(z[i] == a[i] + b[i]);
    });
    for (const KernelTable *table : test::tiers()) REQUIRE(table->vector.dot(nullptr, nullptr, 0) == 0);
}

TEST_CASE("rms_norm matches double, also in place") {
    Random random(4);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        Guarded<float> x(random.normals(n), at_start), w(random.normals(n), at_start), y(n, at_start);
        double squares = 0;
        for (size_t i = 0; i < n; ++i) squares += static_cast<double>(x[i]) * x[i];
        const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
        const auto input = x.copy();
        table.vector.rms_norm(x.data(), w.data(), 1e-5f, y.data(), n);
        table.vector.rms_norm(x.data(), w.data(), 1e-5f, x.data(), n);
        for (size_t i = 0; i < n; ++i) {
            require_close(y[i], input[i] * factor * w[i]);
            REQUIRE(x[i] == y[i]);
        }
    });
}

TEST_CASE("layer_norm matches double, also in place and far from zero") {
    Random random(41);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        Guarded<float> x(random.normals(n), at_start), w(random.normals(n), at_start), b(random.normals(n), at_start),
            y(n, at_start);
        for (size_t i = 0; i < n; ++i) x[i] += 10;
        if (n < 2) return;
        double mean = 0, squares = 0;
        for (size_t i = 0; i < n; ++i) mean += static_cast<double>(x[i]) / static_cast<double>(n);
        for (size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean);
        const double factor = 1 / std::sqrt(squares / static_cast<double>(n) + 1e-5);
        const auto input = x.copy();
        table.vector.layer_norm(x.data(), w.data(), b.data(), 1e-5f, y.data(), n);
        table.vector.layer_norm(x.data(), w.data(), b.data(), 1e-5f, x.data(), n);
        for (size_t i = 0; i < n; ++i) {
            // What is left of values about 10 after the mean goes has their rounding.
            require_close(y[i], (input[i] - mean) * factor * w[i] + b[i], 3e-5 * (1 + std::abs(factor * w[i])));
            REQUIRE(x[i] == y[i]);
        }
    });
}

TEST_CASE("gelu matches double from one end of the range to the other") {
    Random random(42);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        const float span = random.below(2) ? 4.0f : 90.0f;
        std::vector<float> values(n);
        for (float &v : values) v = random.uniform(-span, span);
        Guarded<float> x(values, at_start);
        table.vector.gelu(x.data(), n);
        for (size_t i = 0; i < n; ++i) {
            const double v = values[i];
            require_close(x[i], v * 0.5 * std::erfc(-v / std::sqrt(2.0)), 4e-7 * std::max(1.0, std::abs(v)));
        }
    });
    for (const KernelTable *table : test::tiers()) {
        float ends[] = {0.0f, -0.0f, INFINITY, -INFINITY, NAN};
        table->vector.gelu(ends, 5);
        REQUIRE(ends[0] == 0);
        REQUIRE(ends[1] == 0);
        REQUIRE(ends[2] == INFINITY);
        REQUIRE(ends[3] == 0);
        REQUIRE(std::isnan(ends[4]));
    }
}

TEST_CASE("a soft cap matches double, near 0 and at both ends") {
    Random random(10);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        const float span = random.below(2) ? 1e-3f : 400.0f, cap = random.uniform(1, 60);
        std::vector<float> values(n);
        for (float &v : values) v = random.uniform(-span, span);
        Guarded<float> x(values, at_start);
        table.vector.soft_cap(x.data(), cap, n);
        for (size_t i = 0; i < n; ++i)
            require_close(x[i], cap * std::tanh(static_cast<double>(values[i]) / cap), 1e-37);
    });
    for (const KernelTable *table : test::tiers()) {
        float ends[] = {0.0f, INFINITY, -INFINITY, NAN};
        table->vector.soft_cap(ends, 30, 4);
        REQUIRE(ends[0] == 0);
        REQUIRE(ends[1] == 30);
        REQUIRE(ends[2] == -30);
        REQUIRE(std::isnan(ends[3]));
    }
}

TEST_CASE("silu matches double from one end of the range to the other") {
    Random random(5);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        const float span = random.below(2) ? 5.0f : 87.0f;
        std::vector<float> gates(n);
        for (float &g : gates) g = random.uniform(-span, span);
        Guarded<float> gate(gates, at_start), up(random.normals(n), at_start), y(n, at_start);
        table.vector.silu_multiply(gate.data(), up.data(), y.data(), n);
        for (size_t i = 0; i < n; ++i)
            require_close(y[i], gates[i] / (1 + std::exp(-static_cast<double>(gates[i]))) * up[i], 1e-37);
    });
}

TEST_CASE("gelu by tanh matches double, and ends in its gate or in nothing") {
    Random random(17);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        const float span = random.below(2) ? 4.0f : 1000.0f;
        std::vector<float> gates(n);
        for (float &g : gates) g = random.uniform(-span, span);
        Guarded<float> gate(gates, at_start), up(random.normals(n), at_start), y(n, at_start);
        table.vector.gelu_tanh_multiply(gate.data(), up.data(), y.data(), n);
        for (size_t i = 0; i < n; ++i) {
            const double g = gates[i], u = std::sqrt(2 / std::numbers::pi) * (g + 0.044715 * g * g * g);
            const double expected = g / (1 + std::exp(-2 * u)) * up[i];
            require_close(y[i], expected, 1e-5 * std::abs(expected) + 1e-30);
        }
    });
}

TEST_CASE("gates of other kinds match double, and do not swallow NaN") {
    Random random(11);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        const float span = random.below(2) ? 5.0f : 40.0f, limit = 7;
        std::vector<float> gates(n), ups(n);
        for (float &g : gates) g = random.uniform(-span, span);
        for (float &u : ups) u = random.uniform(-2 * limit, 2 * limit);
        Guarded<float> gate(gates, at_start), up(ups, at_start), y(n, at_start);
        table.vector.clamped_swiglu(gate.data(), up.data(), limit, y.data(), n);
        for (size_t i = 0; i < n; ++i) {
            const double g = std::min(gates[i], limit), u = std::clamp(ups[i], -limit, limit);
            require_close(y[i], g / (1 + std::exp(-1.702 * g)) * (u + 1), 1e-6);
        }
        table.vector.relu_squared_multiply(gate.data(), up.data(), y.data(), n);
        for (size_t i = 0; i < n; ++i)
            require_close(y[i], std::pow(std::max(0.0f, gates[i]), 2.0) * ups[i], 1e-37);
    });
    for (const KernelTable *table : test::tiers()) {
        const float gate[] = {NAN, 1, -1, INFINITY}, up[] = {1, NAN, 1, 1};
        float y[4];
        table->vector.clamped_swiglu(gate, up, 7, y, 4);
        REQUIRE((std::isnan(y[0]) && std::isnan(y[1]) && std::isfinite(y[2]) && std::isfinite(y[3])));
        table->vector.relu_squared_multiply(gate, up, y, 4);
        REQUIRE((std::isnan(y[0]) && std::isnan(y[1]) && y[2] == 0 && y[3] == INFINITY));
    }
}

TEST_CASE("exp is accurate over its whole range, and softmax and log_sum_exp with it") {
    Random random(6);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        std::vector<float> values(n);
        for (float &v : values) v = random.uniform(-110, 0);
        Guarded<float> x(values, at_start);
        double sum = 0;
        const float got = table.attention.exp_sum(x.data(), 0.5f, n);
        for (size_t i = 0; i < n; ++i) {
            const double expected = std::exp(static_cast<double>(values[i] - 0.5f));
            sum += expected;
            require_close(x[i], expected, 3e-45);
        }
        require_close(got, sum, 1e-44);
    });
}

TEST_CASE("softmax and log_sum_exp match double") {
    Random random(7);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        std::vector<float> values = random.normals(n);
        for (float &v : values) v *= 8;
        if (n > 3) values[n / 2] = -INFINITY;
        Guarded<float> x(values, at_start);
        double total = 0, scaled = 0;
        float largest = -INFINITY, top = -INFINITY;
        for (const float v : values) {
            largest = std::max(largest, v);
            top = std::max(top, v * 0.3f);
        }
        for (const float v : values) {
            total += std::exp(static_cast<double>(v) - largest);
            scaled += std::exp(static_cast<double>(v * 0.3f) - top);
        }
        require_close(table.vector.log_sum_exp(x.data(), n), largest + std::log(total), 1e-6);
        table.vector.softmax(x.data(), 0.3f, n);
        for (size_t i = 0; i < n; ++i)
            require_close(x[i], std::exp(static_cast<double>(values[i] * 0.3f) - top) / scaled, 1e-37);
    });
}

TEST_CASE("divergence sums match double, and so does a divergence made of them") {
    Random random(9);
    for_lengths([&](const KernelTable &table, size_t n, bool at_start) {
        std::vector<float> values = random.normals(n), others = values;
        for (size_t i = 0; i < n; ++i) values[i] *= 6, others[i] = values[i] + random.uniform(-0.1f, 0.1f);
        if (n > 3) others[n / 3] = values[n / 3] - 1000; // Far below what float's exp can tell from 0.
        Guarded<float> x(values, at_start), base(others, at_start);
        const float s = table.vector.maximum(x.data(), n), t = table.vector.maximum(base.data(), n);
        REQUIRE(s == *std::max_element(values.begin(), values.end()));
        DivergenceSums got;
        table.vector.divergence_sums(x.data(), s, base.data(), t, n, &got);
        double sum = 0, base_sum = 0, weighted = 0, magnitude = 0;
        for (size_t i = 0; i < n; ++i) {
            const double a = static_cast<double>(values[i]) - s, b = static_cast<double>(others[i]) - t;
            sum += std::exp(a), base_sum += std::exp(b), weighted += std::exp(b) * (b - a);
            magnitude += std::exp(b) * (std::fabs(a) + std::fabs(b) + 1);
        }
        require_close(got.sum, sum);
        require_close(got.base_sum, base_sum);
        require_close(got.weighted, weighted, 1e-6 * magnitude);
    });
}

TEST_CASE("log_sum_exp of a whole vocabulary keeps six digits") {
    Random random(8);
    const std::vector<float> logits = random.normals(151936);
    double total = 0;
    for (const float v : logits) total += std::exp(static_cast<double>(v));
    for (const KernelTable *table : test::tiers())
        REQUIRE(std::fabs(table->vector.log_sum_exp(logits.data(), logits.size()) - std::log(total)) < 2e-6);
}

TEST_CASE("NaN is not swallowed") {
    for (const KernelTable *table : test::tiers()) {
        INFO(table->tier);
        std::vector<float> gate(37, 1.0f), up(37, 1.0f), y(37);
        gate[20] = NAN;
        table->vector.silu_multiply(gate.data(), up.data(), y.data(), 37);
        REQUIRE(std::isnan(y[20]));
        REQUIRE(std::isfinite(y[21]));
        std::vector<float> x(37, 1.0f);
        x[5] = NAN;
        table->vector.softmax(x.data(), 1, 37);
        REQUIRE(std::isnan(x[5]));
    }
}
