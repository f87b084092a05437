// Attention against a plain one in double, over group sizes, windows, positions and
// the splits that few tokens cause; and rotation against complex numbers.
#include "kernel_test_support.h"

#include <complex>
#include <deque>

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

/// A sequence's pages, and its keys and values as decoding them gives: positions x kv_heads x head_dim.
struct Cache {
    std::deque<test::Guarded<std::byte>> pages;
    std::vector<const std::byte *> bases;
    std::vector<float> keys, values;
};

constexpr size_t page = KvLayout::positions;

void fill_cache(const KvLayout &layout, size_t positions, size_t kv_heads, size_t head_dim, Random &random, Cache &c) {
    const auto fill = [&](const EncodingTraits &e, size_t row_bytes, size_t at, bool side_by_side, std::vector<float> &kept) {
        kept.resize(positions * kv_heads * head_dim);
        std::vector<std::byte> row(row_bytes);
        for (size_t p = 0; p < positions; ++p)
            for (size_t h = 0; h < kv_heads; ++h) {
                e.encode(random.normals(head_dim).data(), nullptr, row.data(), head_dim / e.block_weights, QUANT_METHOD_ROUND);
                e.decode(row.data(), kept.data() + (p * kv_heads + h) * head_dim, head_dim / e.block_weights);
                std::byte *head = c.pages[p / page].data() + at + h * page * row_bytes;
                if (!side_by_side) std::copy(row.begin(), row.end(), head + p % page * row_bytes);
                for (size_t d = 0; side_by_side && d < head_dim; ++d)
                    std::copy_n(row.data() + d * e.block_bytes, e.block_bytes, head + layout.key_at(p % page, d));
            }
    };
    for (size_t p = 0; p < positions; p += page) {
        c.pages.emplace_back(kv_heads * page * (layout.key_bytes + layout.value_bytes));
        std::fill_n(c.pages.back().data(), kv_heads * page * (layout.key_bytes + layout.value_bytes), std::byte{0xff});
        c.bases.push_back(c.pages.back().data());
    }
    fill(*layout.keys, layout.key_bytes, 0, layout.keys_lie_side_by_side(), c.keys);
    fill(*layout.values, layout.value_bytes, kv_heads * page * layout.key_bytes, false, c.values);
}

/// Weighted values of one token and head, by definition.
std::vector<double> plain_attention(const AttentionArgs &a, const AttentionSequence &s, const Cache &c, size_t token,
                                    size_t head) {
    const size_t last = s.first_position + (a.bidirectional ? s.tokens - 1 : token), kv = head / (a.heads / a.kv_heads);
    const size_t begin = a.sliding_window && last + 1 > a.sliding_window ? last + 1 - a.sliding_window : 0;
    std::vector<double> weights;
    double largest = -INFINITY, sum = 0;
    for (size_t p = begin; p <= last; ++p) {
        double score = 0;
        for (size_t d = 0; d < a.head_dim; ++d)
            score += static_cast<double>(a.q[(s.first_token + token) * a.q_stride + head * a.head_dim + d]) *
                     c.keys[(p * a.kv_heads + kv) * a.head_dim + d];
        weights.push_back(score * a.scale);
        largest = std::max(largest, weights.back());
    }
    for (double &w : weights) sum += w = std::exp(w - largest);
    std::vector<double> out(a.head_dim, 0.0);
    for (size_t p = begin; p <= last; ++p)
        for (size_t d = 0; d < a.head_dim; ++d)
            out[d] += weights[p - begin] / sum * c.values[(p * a.kv_heads + kv) * a.head_dim + d];
    return out;
}

struct Case {
    size_t tokens, first, kv_heads, group, head_dim, window;
    quant_encoding keys = QUANT_F32, values = QUANT_F32;
    size_t sequences = 1; ///< The second has one token less, and begins 13 positions later, and so on.
    bool bidirectional = false;
};

void check_attention(const KernelTable &table, const Case &c, WorkerPool &pool, Random &random) {
    const EncodingTraits &keys = encoding_traits(c.keys), &values = encoding_traits(c.values);
    INFO(table.tier << " tokens " << c.tokens << " first " << c.first << " kv heads " << c.kv_heads << " group "
                    << c.group << " dims " << c.head_dim << " window " << c.window << " " << keys.name << " " << values.name
                    << " sequences " << c.sequences << " seed " << test::run_seed());
    const size_t heads = c.kv_heads * c.group, q_stride = heads * c.head_dim + 3, out_stride = heads * c.head_dim + 1;
    AttentionArgs a{};
    a.layout = {&keys, &values, c.head_dim / keys.block_weights * keys.block_bytes,
                c.head_dim / values.block_weights * values.block_bytes};
    a.values_at = c.kv_heads * page * a.layout.key_bytes;
    std::deque<Cache> caches;
    std::vector<AttentionSequence> sequences;
    size_t all = 0;
    for (size_t i = 0; i < c.sequences; ++i) {
        const size_t tokens = c.tokens > i ? c.tokens - i : 1, first = c.first + 13 * i;
        fill_cache(a.layout, first + tokens, c.kv_heads, c.head_dim, random, caches.emplace_back());
        sequences.push_back({nullptr, all, tokens, first});
        all += tokens;
    }
    for (size_t i = 0; i < c.sequences; ++i) sequences[i].pages = caches[i].bases.data();
    std::vector<float> queries = random.normals(all * q_stride);
    for (float &q : queries) q *= 3; // some rows with one sharp peak
    test::Guarded<float> q(queries), out(all * out_stride);
    a.q = q.data(), a.q_stride = q_stride;
    a.out = out.data(), a.out_stride = out_stride;
    a.sequences = sequences;
    a.heads = heads, a.kv_heads = c.kv_heads, a.head_dim = c.head_dim;
    a.sliding_window = c.window;
    a.bidirectional = c.bidirectional;
    a.scale = 1 / std::sqrt(static_cast<float>(c.head_dim));
    kernel::attention(table, a, pool);
    for (size_t i = 0; i < c.sequences; ++i)
        for (size_t t = 0; t < sequences[i].tokens; ++t)
            for (size_t h = 0; h < heads; ++h) {
                const auto expected = plain_attention(a, sequences[i], caches[i], t, h);
                for (size_t d = 0; d < c.head_dim; ++d) {
                    const double got = out[(sequences[i].first_token + t) * out_stride + h * c.head_dim + d];
                    if (!(std::fabs(got - expected[d]) < 2e-5)) {
                        INFO("sequence " << i << " token " << t << " head " << h << " dim " << d << " got " << got
                                         << " expected " << expected[d]);
                        FAIL("attention differs");
                    }
                }
            }
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
