#include "engine/sampler.h"
#include "test_support.h"

#include <cmath>
#include <map>

using namespace quant;
using test::require_error;

namespace {

quant_sampling with_seed(uint64_t seed) {
    quant_sampling s = default_sampling();
    s.seed = seed;
    return s;
}

std::map<int32_t, int> draw_many(const quant_sampling &sampling, const std::vector<float> &logits, int count) {
    Sampler sampler(sampling);
    std::map<int32_t, int> seen;
    for (int i = 0; i < count; i++) seen[sampler.choose(logits, {})]++;
    return seen;
}

} // namespace

TEST_CASE("temperature 0 takes the likeliest") {
    quant_sampling s = with_seed(1);
    s.temperature = 0;
    Sampler sampler(s);
    REQUIRE(sampler.choose(std::vector<float>{1, 5, 3}, {}) == 1);
    REQUIRE(sampler.choose(std::vector<float>{NAN, -2, -1}, {}) == 2);
}

TEST_CASE("the same seed draws the same tokens") {
    const std::vector<float> logits = {1, 2, 3, 2.5f, 0};
    for (const uint64_t seed : {1u, 42u, 4000000000u}) {
        Sampler a(with_seed(seed)), b(with_seed(seed));
        for (int i = 0; i < 200; i++) REQUIRE(a.choose(logits, {}) == b.choose(logits, {}));
    }
    REQUIRE(Sampler(with_seed(0)).seed() != 0);
}

TEST_CASE("draws follow the probabilities") {
    quant_sampling s = with_seed(7);
    s.temperature = 1, s.top_k = 0, s.top_p = 1, s.min_p = 0;
    const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
    auto seen = draw_many(s, logits, 30000);
    REQUIRE(seen[0] / 30000.0 == Approx(0.5).margin(0.015));
    REQUIRE(seen[1] / 30000.0 == Approx(0.3).margin(0.015));
    REQUIRE(seen[2] / 30000.0 == Approx(0.2).margin(0.015));
}

TEST_CASE("each filter keeps what it says") {
    const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
    quant_sampling off = with_seed(3);
    off.temperature = 1, off.top_k = 0, off.top_p = 1, off.min_p = 0;
    quant_sampling s = off;
    REQUIRE(draw_many(s, logits, 2000).size() == 4);
    s = off, s.top_k = 2;
    REQUIRE(draw_many(s, logits, 2000).size() == 2);
    s = off, s.top_p = 0.7f;
    REQUIRE(draw_many(s, logits, 2000).size() == 2);
    s = off, s.top_p = 0.01f;
    REQUIRE(draw_many(s, logits, 2000).size() == 1);
    s = off, s.min_p = 0.2f;
    REQUIRE(draw_many(s, logits, 2000).size() == 3);
}

TEST_CASE("the repetition penalty lowers recent tokens, whatever their sign") {
    quant_sampling s = with_seed(1);
    s.temperature = 0, s.repeat_penalty = 2;
    const std::vector<int32_t> recent = {0};
    REQUIRE(Sampler(s).choose(std::vector<float>{3, 2}, recent) == 1);
    REQUIRE(Sampler(s).choose(std::vector<float>{-1, -1.5f}, recent) == 1);
    s.repeat_last_n = 1;
    const std::vector<int32_t> older = {0, 1};
    REQUIRE(Sampler(s).choose(std::vector<float>{3, 2.9f}, older) == 0);
}

TEST_CASE("values out of range are named") {
    quant_sampling s = default_sampling();
    s.temperature = -1;
    require_error(QUANT_ERR_ARGUMENT, {"temperature"}, [&] { check_sampling(s); });
    s = default_sampling(), s.top_p = 0;
    require_error(QUANT_ERR_ARGUMENT, {"top_p"}, [&] { check_sampling(s); });
    s = default_sampling(), s.min_p = NAN;
    require_error(QUANT_ERR_ARGUMENT, {"min_p"}, [&] { check_sampling(s); });
    s = default_sampling(), s.repeat_penalty = 0;
    require_error(QUANT_ERR_ARGUMENT, {"repeat_penalty"}, [&] { check_sampling(s); });
}
