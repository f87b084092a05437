// Attention against a plain one in double, over group sizes, windows, positions and
// the splits that few tokens cause; and rotation against complex numbers.
#include "kernel_test_support.h"

#include <complex>

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

/// Weighted values of one token and head, by definition.
std::vector<double> plain_attention(const AttentionArgs &a, size_t token, size_t head) {
    const size_t last = a.first_position + token, kv = head / (a.heads / a.kv_heads);
    const size_t begin = a.sliding_window && last + 1 > a.sliding_window ? last + 1 - a.sliding_window : 0;
    std::vector<double> weights;
    double largest = -INFINITY, sum = 0;
    for (size_t p = begin; p <= last; ++p) {
        double score = 0;
        for (size_t d = 0; d < a.head_dim; ++d)
            score += static_cast<double>(a.q[token * a.q_stride + head * a.head_dim + d]) *
                     a.keys[p * a.kv_stride + kv * a.head_dim + d];
        weights.push_back(score * a.scale);
        largest = std::max(largest, weights.back());
    }
    for (double &w : weights) sum += w = std::exp(w - largest);
    std::vector<double> out(a.head_dim, 0.0);
    for (size_t p = begin; p <= last; ++p)
        for (size_t d = 0; d < a.head_dim; ++d)
            out[d] += weights[p - begin] / sum * a.values[p * a.kv_stride + kv * a.head_dim + d];
    return out;
}

struct Case {
    size_t tokens, first, kv_heads, group, head_dim, window;
};

void check_attention(const KernelTable &table, const Case &c, WorkerPool &pool, Random &random) {
    INFO(table.tier << " tokens " << c.tokens << " first " << c.first << " kv heads " << c.kv_heads << " group "
                    << c.group << " dims " << c.head_dim << " window " << c.window << " seed " << test::run_seed());
    const size_t heads = c.kv_heads * c.group, positions = c.first + c.tokens;
    const size_t q_stride = heads * c.head_dim + 3, kv_stride = c.kv_heads * c.head_dim + 5;
    std::vector<float> queries = random.normals(c.tokens * q_stride);
    for (float &q : queries) q *= 3; // some rows with one sharp peak
    test::Guarded<float> q(queries), k(random.normals((positions - 1) * kv_stride + c.kv_heads * c.head_dim));
    test::Guarded<float> v(random.normals((positions - 1) * kv_stride + c.kv_heads * c.head_dim));
    const size_t out_stride = heads * c.head_dim + 1;
    test::Guarded<float> out(c.tokens * out_stride);
    AttentionArgs a{};
    a.q = q.data(), a.q_stride = q_stride;
    a.keys = k.data(), a.values = v.data(), a.kv_stride = kv_stride;
    a.out = out.data(), a.out_stride = out_stride;
    a.tokens = c.tokens, a.first_position = c.first;
    a.heads = heads, a.kv_heads = c.kv_heads, a.head_dim = c.head_dim;
    a.sliding_window = c.window;
    a.scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
    kernel::attention(table, a, pool);
    for (size_t t = 0; t < c.tokens; ++t)
        for (size_t h = 0; h < heads; ++h) {
            const auto expected = plain_attention(a, t, h);
            for (size_t d = 0; d < c.head_dim; ++d) {
                const double error = std::fabs(out[t * out_stride + h * c.head_dim + d] - expected[d]);
                if (!(error < 2e-5)) {
                    INFO("token " << t << " head " << h << " dim " << d << " error " << error);
                    FAIL("attention differs");
                }
            }
        }
}

} // namespace

TEST_CASE("attention matches its definition") {
    Random random(20);
    WorkerPool one(1), three(3);
    for (const KernelTable *table : available_tiers()) {
        const bool scalar = std::string(table->tier) == "scalar";
        for (const Case &c : {Case{1, 0, 1, 1, 8, 0}, Case{1, 40, 2, 3, 64, 0}, Case{7, 0, 1, 4, 16, 0},
                              Case{70, 0, 3, 3, 32, 0}, Case{33, 90, 2, 1, 24, 17}, Case{50, 100, 1, 7, 10, 64},
                              Case{5, 63, 1, 50, 12, 0}, Case{1, 300, 1, 2, 16, 1}})
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

TEST_CASE("attention refuses heads that do not divide") {
    AttentionArgs a{};
    a.tokens = 1, a.heads = 5, a.kv_heads = 2, a.head_dim = 8;
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
