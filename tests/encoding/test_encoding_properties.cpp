// What must hold for any weights: a search never loses to rounding, importance moves
// error to where it counts less, blocks do not depend on their neighbours.
#include "encoding/group_blocks.h"
#include "encoding_test_support.h"

// In encoding_without_clones.cpp.
void encode_without_clones(uint32_t id, const float *in, const float *importance, std::byte *out, size_t blocks,
                           quant_method method);

using namespace quant;
using namespace quant::test;

namespace {

constexpr size_t cols = 1024;

std::vector<float> block_errors(const EncodingTraits &e, const std::vector<float> &x, const std::vector<float> &y) {
    std::vector<float> out;
    for (size_t at = 0; at < x.size(); at += e.block_weights)
        out.push_back(static_cast<float>(squared_error(&x[at], &y[at], e.block_weights)));
    return out;
}

// With two levels, a power of two as scale, or levels that are floats of 8 bits, there is next to nothing to
// search, and importance has nothing to choose between.
bool has_choice(const EncodingTraits &e) {
    return !e.is_float() && e.family != Family::float8 && e.id != QUANT_Q1_0 && e.id != QUANT_MXFP4;
}

bool has_256_levels(const EncodingTraits &e) {
    return group_form(e.id).bits == 8 || e.id == QUANT_ABSMAX8_G32 || e.id == QUANT_ABSMAX8_G128;
}

} // namespace

TEST_CASE("in no block is a search worse than rounding") {
    for (const uint32_t seed : {1u, 2u, 3u})
        for (const EncodingTraits &e : encodings())
            for (const Sample &s : samples(cols, seed)) {
                INFO(e.name << ", " << s.name << ", seed " << seed);
                const auto searched = block_errors(e, s.x, there_and_back(e, QUANT_METHOD_SEARCH, s.x));
                const auto rounded = block_errors(e, s.x, there_and_back(e, QUANT_METHOD_ROUND, s.x));
                size_t worse = 0;
                for (size_t i = 0; i < searched.size(); i++) worse += searched[i] > rounded[i];
                REQUIRE(worse == 0);
            }
}

TEST_CASE("on weights like a model's a search gains over rounding") {
    for (const EncodingTraits &e : encodings()) {
        if (!has_choice(e)) continue;
        for (const Sample &s : samples(8 * cols, 4)) {
            if (s.name != "gaussian" && s.name != "heavy tails") continue;
            INFO(e.name << ", " << s.name);
            const double searched = rmse(s.x, there_and_back(e, QUANT_METHOD_SEARCH, s.x), {});
            const double rounded = rmse(s.x, there_and_back(e, QUANT_METHOD_ROUND, s.x), {});
            // Of 256 levels there is less to gain.
            REQUIRE(searched < (has_256_levels(e) ? 0.99 : 0.97) * rounded);
        }
    }
}

TEST_CASE("importance lowers the weighted error and keeps the plain one near rounding's") {
    const auto importance = sample_importance(cols, 5);
    for (const EncodingTraits &e : encodings()) {
        if (!has_choice(e)) continue;
        const auto x = samples(4 * cols, 6).front().x;
        INFO(e.name);
        const auto weighted = there_and_back(e, QUANT_METHOD_IMPORTANCE, x, importance, 4);
        const auto plain = there_and_back(e, QUANT_METHOD_SEARCH, x, {}, 4);
        REQUIRE(rmse(x, weighted, importance) < 0.99 * rmse(x, plain, importance));
        REQUIRE(rmse(x, weighted, {}) < 1.15 * rmse(x, plain, {}));
    }
}

TEST_CASE("feedback takes importance as it is given, and loses no more of what that counts") {
    const auto importance = sample_importance(cols, 18);
    const auto x = samples(cols, 19).front().x;
    for (const EncodingTraits &e : encodings()) {
        if (!has_choice(e)) continue;
        INFO(e.name);
        std::vector<std::byte> bytes(encoded_bytes(e, 1, cols));
        e.encode(x.data(), importance.data(), bytes.data(), cols / e.block_weights, QUANT_METHOD_FEEDBACK);
        REQUIRE(rmse(x, decoded(e, bytes, 1, cols), importance) <
                1.01 * rmse(x, there_and_back(e, QUANT_METHOD_IMPORTANCE, x, importance), importance));
    }
}

TEST_CASE("a block's bytes do not depend on what is beside it") {
    const auto importance = sample_importance(cols, 7);
    const auto x = samples(cols, 8)[1].x;
    for (const EncodingTraits &e : encodings()) {
        INFO(e.name);
        const auto whole = encoded(e, QUANT_METHOD_IMPORTANCE, x, importance, 1);
        const size_t at = cols - e.block_weights;
        const auto last = encoded(e, QUANT_METHOD_IMPORTANCE, {x.begin() + static_cast<ptrdiff_t>(at), x.end()},
                                  {importance.begin() + static_cast<ptrdiff_t>(at), importance.end()}, 1);
        REQUIRE(std::equal(last.begin(), last.end(), whole.end() - e.block_bytes));
    }
}

TEST_CASE("weights that an encoding can hold exactly come back exactly") {
    // Small whole multiples of one scale, with both ends of the codes in every group.
    struct Levels {
        int count, lowest;
    };
    const auto levels_of = [](const EncodingTraits &e) -> Levels {
        if (e.family == Family::ternary) return {3, -1};
        if (e.id == QUANT_Q2_0) return {4, -1};
        if (const GroupForm form = group_form(e.id); form.bias) return {form.bits > 5 ? 4 : 1 << form.bits, 0};
        else if (form.bits == 2) return {4, -2};
        const bool has_minimum = e.id == QUANT_Q4_1 || e.id == QUANT_Q5_1 || e.id == QUANT_Q2_K ||
                                 e.id == QUANT_Q4_K || e.id == QUANT_Q5_K;
        return has_minimum ? Levels{4, 0} : Levels{8, -4};
    };
    for (const EncodingTraits &e : encodings()) {
        if ((e.family != Family::uniform && e.family != Family::ternary) || e.id == QUANT_Q1_0) continue;
        const Levels levels = levels_of(e);
        std::vector<float> x(e.block_weights);
        for (size_t i = 0; i < x.size(); i++)
            x[i] = 0.125f * static_cast<float>(static_cast<int>(i) % levels.count + levels.lowest);
        INFO(e.name);
        REQUIRE(rmse(x, there_and_back(e, QUANT_METHOD_SEARCH, x), {}) < 1e-3);
    }
}

TEST_CASE("the same weights give the same bytes, scaled weights scaled ones") {
    const auto x = samples(cols, 9).front().x;
    std::vector<float> larger(x);
    for (float &v : larger) v *= 4;
    for (const EncodingTraits &e : encodings()) {
        if (e.is_float()) continue;
        INFO(e.name);
        REQUIRE(encoded(e, QUANT_METHOD_SEARCH, x, {}, 1) == encoded(e, QUANT_METHOD_SEARCH, x, {}, 1));
        auto back = there_and_back(e, QUANT_METHOD_SEARCH, x);
        const auto back_larger = there_and_back(e, QUANT_METHOD_SEARCH, larger);
        REQUIRE(rmse(larger, back_larger, {}) < 4.05 * rmse(x, back, {}));
    }
}

TEST_CASE("whatever the CPU, the bytes are those of the code without clones") {
    const auto importance = sample_importance(cols, 10);
    for (const EncodingTraits &e : encodings())
        for (const Sample &s : samples(cols, 17))
            for (const quant_method method : {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH, QUANT_METHOD_IMPORTANCE}) {
                INFO(e.name << ", " << s.name << ", method " << method);
                const auto here = encoded(e, method, s.x, importance, 1);
                std::vector<std::byte> plain(here.size());
                encode_without_clones(static_cast<uint32_t>(e.id), s.x.data(),
                                      method == QUANT_METHOD_ROUND ? nullptr : importance.data(), plain.data(),
                                      cols / e.block_weights, method);
                REQUIRE(here == plain);
            }
}
