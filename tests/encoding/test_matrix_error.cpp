// Passes over weights: the same for every length, on every kind of CPU.
#include "encoding/matrix_error.h"
#include "encoding_test_support.h"

#include <cstring>
#include <limits>

using namespace quant;
using namespace quant::test;

void decode_without_clones(uint32_t id, const std::byte *in, float *out, size_t blocks);

TEST_CASE("the first weight that is not finite is found wherever it is") {
    std::vector<float> x(3000, std::numeric_limits<float>::max());
    x[7] = std::numeric_limits<float>::denorm_min();
    REQUIRE(first_not_finite(x) == x.size());
    REQUIRE(first_not_finite({}) == 0);
    for (const size_t at : {0, 1, 1023, 1024, 1025, 2999}) {
        for (const float bad : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                                std::numeric_limits<float>::quiet_NaN()}) {
            auto y = x;
            y[at] = bad, y.back() = bad;
            INFO(at << ", " << bad);
            REQUIRE(first_not_finite(y) == at);
            REQUIRE(first_not_finite(std::span(y).first(at)) == at);
        }
    }
}

TEST_CASE("sums of squares count each weight once, whatever the length") {
    const auto x = samples(10000, 5).front().x, y = samples(10000, 6).front().x;
    for (const size_t n : {0, 1, 15, 16, 17, 4095, 4096, 4097, 10000}) {
        double error = 0, weight = 0, weighted = 0;
        std::vector<float> squares(n);
        for (size_t i = 0; i < n; i++) {
            squares[i] = y[i] * y[i];
            error += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
            weight += double{x[i]} * x[i];
            weighted += double{x[i]} * x[i] * squares[i];
        }
        INFO(n);
        const ErrorSums sums = error_sums(std::span(x).first(n), std::span(y).first(n));
        REQUIRE(sums.error == Approx(error).epsilon(1e-5));
        REQUIRE(sums.weight == Approx(weight).epsilon(1e-5));
        REQUIRE(weighted_squares(std::span(x).first(n), squares) == Approx(weighted).epsilon(1e-4));
    }
}

TEST_CASE("any bytes decode to the same bits on every kind of CPU") {
    std::mt19937 random(7);
    for (const EncodingTraits &e : encodings()) {
        constexpr size_t blocks = 37;
        std::vector<std::byte> bytes(blocks * e.block_bytes);
        for (std::byte &b : bytes) b = static_cast<std::byte>(random());
        std::vector<float> here(blocks * e.block_weights), plain(here.size());
        e.decode(bytes.data(), here.data(), blocks);
        decode_without_clones(static_cast<uint32_t>(e.id), bytes.data(), plain.data(), blocks);
        INFO(e.name);
        for (size_t i = 0; i < here.size(); i++) {
            // A NaN may come with either sign where two meet.
            if (std::isnan(here[i]) && std::isnan(plain[i])) continue;
            REQUIRE(std::memcmp(&here[i], &plain[i], sizeof here[i]) == 0);
        }
    }
}
