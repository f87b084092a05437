// Attention against a plain one in double, over group sizes, windows, positions and
// the splits that few tokens cause; and rotation against complex numbers.
#include "attention_test_support.h"

#include <complex>

using namespace quant;
using namespace quant::kernel;
using test::AttentionRun, test::Random;
using Case = test::AttentionCase;

namespace {

void check_attention(const KernelTable &table, const Case &c, WorkerPool &pool, Random &random) {
    AttentionRun run(c, random);
    INFO(run.words(table));
    kernel::attention(table, run.args, pool);
    run.require_near(2e-5);
}

} // namespace

TEST_CASE("attention matches its definition") {
    Random random(20);
    WorkerPool one(1), three(3);
    for (const KernelTable *table : test::tiers()) {
        const bool scalar = std::string(table->tier) == "scalar";
        for (const Case &c : {Case{1, 0, 1, 1, 8, 0}, Case{1, 40, 2, 3, 64, 0}, Case{7, 0, 1, 4, 16, 0},
                              Case{70, 0, 3, 3, 32, 0}, Case{33, 90, 2, 1, 24, 17}, Case{50, 100, 1, 7, 10, 64},
                              Case{5, 63, 1, 50, 12, 0}, Case{1, 300, 1, 2, 16, 1}, Case{1, 200, 2, 4, 64, 0, QUANT_F16, QUANT_F16},
                              Case{9, 130, 1, 2, 64, 0, QUANT_Q8_0, QUANT_Q4_0}, Case{3, 70, 2, 1, 96, 40, QUANT_BF16, QUANT_Q8_0},
                              Case{1, 64, 2, 3, 32, 0, QUANT_Q4_0, QUANT_F16, 5}, Case{4, 0, 1, 2, 20, 0, QUANT_F16, QUANT_F32, 3},
                              Case{1, 250, 3, 7, 80, 100, QUANT_F16, QUANT_F16, 3}, Case{2, 90, 2, 8, 128, 0, QUANT_F16, QUANT_F16},
                              Case{70, 30, 1, 3, 48, 21, QUANT_F16, QUANT_F16, 2},
                              Case{1, 0, 2, 1, 16, 0, QUANT_F32, QUANT_F32, 1, true},
                              Case{7, 0, 12, 1, 32, 0, QUANT_F32, QUANT_F32, 3, true},
                              Case{300, 0, 2, 1, 32, 0, QUANT_F32, QUANT_F32, 2, true},
                              Case{70, 30, 1, 4, 24, 0, QUANT_F16, QUANT_F16, 2, true}})
            check_attention(*table, c, random.below(2) ? one : three, random);
        for (const Case &c : {Case{1, 1999, 1, 3, 40, 0}, Case{2, 1500, 1, 2, 16, 700}, Case{3, 2600, 1, 1, 33, 0}})
            if (!scalar || c.head_dim < 40) check_attention(*table, c, three, random);
        for (int round = 0; round < 10; ++round)
            check_attention(*table,
                            {1 + random.below(40), random.below(200), 1 + random.below(3), 1 + random.below(5),
                             1 + random.below(80), random.below(2) ? 1 + random.below(100) : 0},
                            three, random);
    }
}

TEST_CASE("attention with sinks, soft caps and values of another width matches its definition") {
    Random random(28);
    WorkerPool one(1), three(3);
    const Case cases[] = {{1, 0, 2, 1, 8, 0, QUANT_F32, QUANT_F32, 1, false, 3, 0, true},
                          {1, 300, 2, 3, 64, 0, QUANT_F16, QUANT_F16, 2, false, 0, 5, true},
                          {4, 130, 1, 4, 192, 0, QUANT_F16, QUANT_F16, 1, false, 128, 0, false},
                          {70, 30, 2, 2, 192, 0, QUANT_F16, QUANT_F16, 1, false, 128, 0, true},
                          {3, 200, 1, 4, 16, 40, QUANT_F32, QUANT_F16, 3, false, 48, 2, true},
                          {20, 90, 2, 2, 96, 0, QUANT_Q8_0, QUANT_Q4_0, 2, false, 32, 30, true},
                          {9, 0, 3, 1, 24, 0, QUANT_F32, QUANT_F32, 2, true, 40, 0, true},
                          {1, 1999, 1, 2, 16, 0, QUANT_F16, QUANT_F16, 1, false, 32, 4, true},
                          {2, 1500, 1, 2, 16, 700, QUANT_F32, QUANT_F32, 1, false, 5, 0, true}};
    for (const KernelTable *table : test::tiers()) {
        for (const Case &c : cases) check_attention(*table, c, random.below(2) ? one : three, random);
        for (int round = 0; round < 10; ++round) {
            Case c{1 + random.below(40), random.below(200), 1 + random.below(3), 1 + random.below(5),
                   1 + random.below(80), random.below(2) ? 1 + random.below(100) : 0};
            c.value_dim = random.below(2) * (1 + random.below(80));
            c.softcap = random.below(2) ? random.uniform(1, 50) : 0;
            c.sinks = random.below(2);
            check_attention(*table, c, three, random);
        }
    }
}

TEST_CASE("attention with sinks, soft caps and values of another width is the same on every tier") {
    Random random(29);
    WorkerPool one(1), three(3);
    for (int round = 0; round < 12; ++round) {
        Case c{1 + random.below(20), random.below(1200), 1 + random.below(2), 1 + random.below(5),
               16 * (1 + random.below(4)), 0, QUANT_F16, QUANT_F16};
        c.value_dim = random.below(2) * 16 * (1 + random.below(4));
        c.softcap = random.below(2) ? random.uniform(1, 50) : 0;
        c.sinks = random.below(2);
        AttentionRun run(c, random);
        kernel::attention(scalar_table(), run.args, one);
        const std::vector<float> expected = run.results();
        for (const KernelTable *table : test::tiers()) {
            INFO(run.words(*table));
            kernel::attention(*table, run.args, three);
            const std::vector<float> got = run.results();
            REQUIRE(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0);
        }
    }
}

TEST_CASE("attention refuses heads that do not divide") {
    AttentionArgs a{};
    a.heads = 5, a.kv_heads = 2, a.head_dim = 8;
    WorkerPool pool(1);
    test::require_error(QUANT_ERR_ARGUMENT, {"5 heads"}, [&] { attention(a, pool); });
}

TEST_CASE("rotation is a complex product, in both styles, and leaves the rest alone") {
    Random random(21);
    for (const bool interleaved : {false, true}) {
        const size_t tokens = 3, heads = 2, head_dim = 20, dims = 12, stride = heads * head_dim + 7;
        std::vector<float> x = random.normals(tokens * stride), angles(tokens * dims / 2), cosines, sines;
        for (float &angle : angles) {
            angle = random.uniform(-3, 3);
            cosines.push_back(std::cos(angle));
            sines.push_back(std::sin(angle));
        }
        const std::vector<float> before = x;
        rope({x.data(), stride, tokens, heads, head_dim, dims, interleaved, cosines.data(), sines.data()});
        std::vector<bool> turned(x.size(), false);
        for (size_t t = 0; t < tokens; ++t)
            for (size_t h = 0; h < heads; ++h)
                for (size_t i = 0; i < dims / 2; ++i) {
                    const size_t at = t * stride + h * head_dim;
                    const size_t a = at + (interleaved ? 2 * i : i), b = at + (interleaved ? 2 * i + 1 : i + dims / 2);
                    const auto expected = std::complex<double>(before[a], before[b]) *
                                          std::polar(1.0, static_cast<double>(angles[t * dims / 2 + i]));
                    REQUIRE(x[a] == Approx(expected.real()).margin(1e-5));
                    REQUIRE(x[b] == Approx(expected.imag()).margin(1e-5));
                    turned[a] = turned[b] = true;
                }
        for (size_t i = 0; i < x.size(); ++i)
            if (!turned[i]) REQUIRE(x[i] == before[i]);
    }
}
