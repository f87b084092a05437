#include "engine/logit_edits.h"
#include "engine/sampling.h"
#include "test_support.h"

#include <cmath>

using namespace quant;

namespace {

std::vector<float> edited(const quant_sampling &sampling, const std::vector<float> &logits,
                          const std::vector<int32_t> &recent, TokenFilter allowed = {}) {
    LogitEdits edits(sampling);
    edits.apply(logits, recent, allowed); // A second time it must be the same: nothing stays.
    const auto out = edits.apply(logits, recent, allowed);
    return {out.begin(), out.end()};
}

} // namespace

TEST_CASE("logits that nothing is asked of are not copied") {
    const std::vector<float> logits = {1, 2, 3};
    const std::vector<int32_t> recent = {0, 1};
    quant_sampling s = default_sampling();
    REQUIRE(LogitEdits(s).apply(logits, recent, {}).data() == logits.data());
    s.repeat_penalty = 2;
    REQUIRE(LogitEdits(s).apply(logits, {}, {}).data() == logits.data());
    s.repeat_last_n = 0;
    REQUIRE(LogitEdits(s).apply(logits, recent, {}).data() == logits.data());
}

TEST_CASE("the repetition penalty divides what is positive and multiplies the rest, once a token") {
    quant_sampling s = default_sampling();
    s.repeat_penalty = 2;
    REQUIRE(edited(s, {3, -1, 0, 4}, {0, 1, 0, 2}) == std::vector<float>{1.5f, -2, 0, 4});
}

TEST_CASE("the presence penalty counts once, the frequency penalty each time") {
    quant_sampling s = default_sampling();
    s.presence_penalty = 0.5f;
    REQUIRE(edited(s, {1, 1, 1}, {0, 1, 0, 0}) == std::vector<float>{0.5f, 0.5f, 1});
    s.frequency_penalty = 0.25f;
    REQUIRE(edited(s, {1, 1, 1}, {0, 1, 0, 0}) == std::vector<float>{-0.25f, 0.25f, 1});
    s.presence_penalty = -1;
    REQUIRE(edited(s, {1, 1, 1}, {2}) == std::vector<float>{1, 1, 1.75f});
    s.repeat_penalty = 2; // First, as it changes what the others subtract from.
    REQUIRE(edited(s, {1, 1, 4}, {2}) == std::vector<float>{1, 1, 2.75f});
}

TEST_CASE("penalties look back as far as they are told") {
    quant_sampling s = default_sampling();
    s.frequency_penalty = 1;
    const std::vector<int32_t> recent = {0, 1, 1, 2};
    s.repeat_last_n = 2;
    REQUIRE(edited(s, {9, 9, 9}, recent) == std::vector<float>{9, 8, 8});
    s.repeat_last_n = 3;
    REQUIRE(edited(s, {9, 9, 9}, recent) == std::vector<float>{9, 7, 8});
    s.repeat_last_n = UINT32_MAX;
    REQUIRE(edited(s, {9, 9, 9}, recent) == std::vector<float>{8, 7, 8});
}

TEST_CASE("biases are added before penalties; -100 forbids") {
    const quant_logit_bias biases[] = {{0, 2}, {2, -100}, {1, -99.5f}, {0, 1}};
    quant_sampling s = default_sampling();
    s.logit_bias = biases, s.logit_bias_count = 4;
    REQUIRE(edited(s, {1, 0.5f, 90}, {}) == std::vector<float>{4, -99, -INFINITY});
    s.repeat_penalty = 2, s.presence_penalty = -2;
    REQUIRE(edited(s, {1, 0.5f, 90}, {0, 2}) == std::vector<float>{4, -99, -INFINITY});
}

TEST_CASE("a filter leaves the logits of its tokens alone and no others") {
    const quant_sampling s = default_sampling();
    for (const size_t size : {1u, 63u, 64u, 65u, 200u}) {
        const std::vector<float> logits(size, 1.5f);
        // A word of all, one of none, one of some, and none at all behind them.
        const std::vector<uint64_t> words = {~uint64_t{0}, 0, 0x8000000000000005};
        const std::vector<float> found = edited(s, logits, {}, words);
        REQUIRE(found.size() == size);
        for (size_t i = 0; i < size; i++) {
            const bool may = i < 192 && (words[i / 64] >> i % 64 & 1) != 0;
            INFO("token " << i);
            REQUIRE(found[i] == (may ? 1.5f : -INFINITY));
        }
    }
}
