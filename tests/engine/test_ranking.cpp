#include "engine/ranking.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>
#include <random>

using namespace quant;

namespace {

std::vector<Candidate> sorted(const std::vector<float> &logits) {
    std::vector<Candidate> out;
    for (size_t i = 0; i < logits.size(); i++)
        if (logits[i] > -INFINITY) out.push_back({static_cast<int32_t>(i), logits[i], 0});
    std::sort(out.begin(), out.end(), likelier);
    return out;
}

std::vector<int32_t> ids(std::span<const Candidate> candidates) {
    std::vector<int32_t> out;
    for (const Candidate &c : candidates) out.push_back(c.id);
    return out;
}

/// With many equal ones, and a tenth of them impossible.
std::vector<float> random_logits(size_t count, uint64_t seed) {
    std::mt19937_64 random(seed);
    std::vector<float> out(count);
    for (float &logit : out) {
        const uint64_t kind = random() % 20;
        logit = static_cast<float>(random() % 400) / 16 - 12;
        if (kind == 0) logit = NAN;
        if (kind == 1) logit = -INFINITY;
    }
    return out;
}

} // namespace

TEST_CASE("the head of a row is that of all of it sorted") {
    Ranking ranking;
    std::vector<Candidate> found;
    for (const size_t size : {1u, 2u, 127u, 128u, 129u, 5000u, 40000u}) {
        const std::vector<float> logits = random_logits(size, size);
        const std::vector<Candidate> expected = sorted(logits);
        ranking.begin(logits);
        INFO("size " << size);
        REQUIRE(ranking.top() == (expected.empty() ? -INFINITY : expected[0].logit));
        if (!expected.empty()) REQUIRE(ranking.likeliest() == expected[0].id);
        for (const size_t count : std::vector<size_t>{0, 1, 5, 40, 200, size, size + 7}) {
            ranking.first(count, found);
            INFO("count " << count);
            REQUIRE(ids(found) == ids(std::span(expected).first(std::min(count, expected.size()))));
        }
        for (const float least : {20.0f, 11.5f, 0.0f, -11.9f, -INFINITY}) {
            ranking.down_to(least, found);
            const auto end =
                std::find_if(expected.begin(), expected.end(), [&](const Candidate &c) { return c.logit < least; });
            REQUIRE(ids(found) == ids(std::span(expected.begin(), end)));
        }
        ranking.all(found);
        REQUIRE(std::is_sorted(found.begin(), found.end(), [](auto &a, auto &b) { return a.id < b.id; }));
        REQUIRE(found.size() == expected.size());
    }
}

TEST_CASE("few possible tokens of many are found, wherever they are") {
    std::vector<float> logits(100000, -INFINITY);
    logits[99999] = -5, logits[0] = -6, logits[50000] = -5;
    Ranking ranking;
    std::vector<Candidate> found;
    ranking.begin(logits);
    ranking.first(40, found);
    REQUIRE(ids(found) == std::vector<int32_t>{50000, 99999, 0});
    REQUIRE(ranking.likeliest() == 50000);
    ranking.begin(std::vector<float>(300, NAN));
    REQUIRE(ranking.top() == -INFINITY);
}
