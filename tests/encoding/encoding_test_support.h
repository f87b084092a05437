// What the tests of encodings share: matrices of several kinds, there and back, errors.
#pragma once

#include "encoding/encoding.h"
#include "test_support.h"

#include <cmath>
#include <random>
#include <string>
#include <vector>

namespace quant::test {

inline std::vector<std::byte> encoded(const EncodingTraits &e, quant_method method, const std::vector<float> &x,
                                      const std::vector<float> &importance, uint64_t rows) {
    std::vector<std::byte> out(encoded_bytes(e, rows, x.size() / rows));
    encode_matrix(e, method, x, importance, rows, x.size() / rows, out);
    return out;
}

inline std::vector<float> decoded(const EncodingTraits &e, const std::vector<std::byte> &bytes, uint64_t rows,
                                  uint64_t cols) {
    std::vector<float> out(rows * cols);
    decode_matrix(e, bytes, rows, cols, out);
    return out;
}

inline std::vector<float> there_and_back(const EncodingTraits &e, quant_method method, const std::vector<float> &x,
                                         const std::vector<float> &importance = {}, uint64_t rows = 1) {
    return decoded(e, encoded(e, method, x, importance, rows), rows, x.size() / rows);
}

inline double squared_error(const float *x, const float *y, size_t n) {
    double sum = 0;
    for (size_t i = 0; i < n; i++) sum += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
    return sum;
}

/// Root of the mean squared error; weighted by column where `importance` is not empty.
inline double rmse(const std::vector<float> &x, const std::vector<float> &y, const std::vector<float> &importance) {
    double sum = 0, weights = 0;
    for (size_t i = 0; i < x.size(); i++) {
        const double w = importance.empty() ? 1 : importance[i % importance.size()];
        sum += w * squared_error(&x[i], &y[i], 1);
        weights += w;
    }
    return std::sqrt(sum / weights);
}

struct Sample {
    std::string name;
    std::vector<float> x;
};

/// `n` weights of each kind: what models hold, and what breaks a search.
inline std::vector<Sample> samples(size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::normal_distribution<float> normal;
    std::student_t_distribution<float> heavy(5);
    std::uniform_real_distribution<float> even(-1, 1);
    const auto fill = [&](auto &&draw) {
        std::vector<float> x(n);
        for (float &v : x) v = draw();
        return x;
    };
    return {
        {"gaussian", fill([&] { return 0.05f * normal(random); })},
        {"heavy tails", fill([&] { return 0.03f * heavy(random); })},
        {"uniform", fill([&] { return even(random); })},
        {"outliers", fill([&] { return 0.05f * normal(random) * (random() % 100 == 0 ? 30.0f : 1.0f); })},
        {"shifted", fill([&] { return 0.1f + 0.03f * normal(random); })},
        {"shifted below", fill([&] { return -0.1f + 0.03f * normal(random); })},
        {"nearly constant", fill([&] { return 1.0f + 0.001f * normal(random); })},
        {"sparse", fill([&] { return random() % 16 == 0 ? normal(random) : 0.0f; })},
        {"two values", fill([&] { return random() % 2 ? 0.25f : -0.5f; })},
        {"tiny", fill([&] { return 1e-6f * normal(random); })},
        {"subnormal", fill([&] { return 1e-40f * normal(random); })},
        {"large", fill([&] { return 3e4f * normal(random); })},
        {"wide range", fill([&] { return normal(random) * std::exp(4 * normal(random)); })},
    };
}

/// Importance with the spread that calibration gives: a few columns count most.
inline std::vector<float> sample_importance(size_t n, uint32_t seed) {
    std::mt19937 random(seed);
    std::lognormal_distribution<float> spread(0, 1.2f);
    std::vector<float> w(n);
    for (float &v : w) v = spread(random);
    return w;
}

} // namespace quant::test
