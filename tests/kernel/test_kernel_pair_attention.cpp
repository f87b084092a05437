// Attention of prompts in whole numbers of 16 bits: near its definition, the same floats on every tier, whatever
// tokens run together; at the bounds of its sums; and where numbers are not finite.
#include "attention_test_support.h"

using namespace quant;
using namespace quant::kernel;
using test::AttentionRun, test::Random;
using Case = test::AttentionCase;

namespace {

bool equal_bits(const std::vector<float> &a, const std::vector<float> &b) {
    return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

std::vector<float> results_of(const KernelTable &table, AttentionRun &run, WorkerPool &pool) {
    run.args.whole_numbers = true;
    kernel::attention(table, run.args, pool);
    return run.results();
}

/// Longer sums leave fewer bits to each number: 24 units of queries and keys is what scores of long heads may be off.
double most_error(const Case &c) {
    return std::max(c.values == QUANT_Q4_0 ? 8e-3 : 5e-3, 24.0 / pair_limit(c.head_dim));
}

void check_attention(const Case &c, WorkerPool &one, WorkerPool &three, Random &random) {
    AttentionRun run(c, random);
    INFO(run.words(scalar_table()));
    const std::vector<float> expected = results_of(scalar_table(), run, one);
    run.require_near(most_error(c));
    for (const KernelTable *table : test::tiers()) {
        INFO(table->tier);
        REQUIRE(equal_bits(results_of(*table, run, one), expected));
        REQUIRE(equal_bits(results_of(*table, run, three), expected));
    }
}

/// Keys and values in F32 as `key` and `value` say by position.
template <class Key, class Value> void set_cache(AttentionRun &run, const Key &key, const Value &value) {
    const KvLayout &l = run.args.layout;
    const size_t page = KvLayout::positions, dims = run.args.head_dim,
                 positions = run.caches[0].keys.size() / dims / run.args.kv_heads;
    for (size_t p = 0; p < positions; ++p)
        for (size_t h = 0; h < run.args.kv_heads; ++h)
            for (size_t d = 0; d < dims; ++d) {
                std::byte *base = run.caches[0].pages[p / page].data();
                const float k = key(p), v = value(p);
                std::memcpy(base + h * page * l.key_bytes + l.key_at(p % page, d), &k, sizeof k);
                std::memcpy(base + run.args.values_at + (h * page + p % page) * l.value_bytes + d * sizeof v, &v,
                            sizeof v);
            }
}

} // namespace

TEST_CASE("attention in whole numbers is near its definition and the same on every tier") {
    Random random(22);
    WorkerPool one(1), three(3);
    for (const Case &c :
         {Case{9, 0, 1, 1, 8, 0}, Case{70, 0, 3, 3, 32, 0}, Case{33, 90, 2, 1, 24, 17}, Case{50, 100, 1, 7, 10, 64},
          Case{12, 63, 1, 50, 12, 0}, Case{16, 300, 1, 2, 16, 1}, Case{20, 200, 2, 4, 64, 0, QUANT_F16, QUANT_F16},
          Case{9, 130, 1, 2, 64, 0, QUANT_Q8_0, QUANT_Q4_0}, Case{13, 70, 2, 1, 96, 40, QUANT_BF16, QUANT_Q8_0},
          Case{12, 64, 2, 3, 32, 0, QUANT_Q4_0, QUANT_F16, 5}, Case{10, 0, 1, 2, 20, 0, QUANT_F16, QUANT_F32, 3},
          Case{10, 250, 3, 7, 80, 100, QUANT_F16, QUANT_F16, 3}, Case{19, 90, 1, 8, 128, 0, QUANT_F16, QUANT_F16},
          Case{11, 40, 1, 2, 256, 0}, Case{70, 30, 1, 3, 48, 21, QUANT_F16, QUANT_F16, 2}, Case{40, 5, 1, 1, 33, 0},
          Case{26, 176, 2, 5, 2, 24}, Case{15, 900, 1, 2, 16, 700}})
        check_attention(c, one, three, random);
    for (const Case &c : {Case{70, 30, 2, 2, 192, 0, QUANT_F16, QUANT_F16, 1, false, 128, 0, true},
                          Case{12, 90, 1, 8, 64, 40, QUANT_F16, QUANT_F16, 2, false, 0, 0, true},
                          Case{20, 0, 2, 3, 10, 0, QUANT_F32, QUANT_F32, 1, false, 33, 0, false},
                          Case{15, 100, 1, 2, 32, 0, QUANT_Q8_0, QUANT_Q4_0, 1, false, 64, 0, true},
                          Case{30, 60, 2, 2, 64, 0, QUANT_F16, QUANT_F16, 1, false, 48, 20, true}})
        check_attention(c, one, three, random);
    for (int round = 0; round < 8; ++round)
        check_attention({9 + random.below(60), random.below(200), 1 + random.below(3), 1 + random.below(5),
                         1 + random.below(80), random.below(2) ? 1 + random.below(100) : 0},
                        one, three, random);
}

TEST_CASE("attention in whole numbers does not depend on which tokens run together") {
    Random random(23);
    WorkerPool one(1), three(3);
    for (const size_t window : {0, 37}) {
        AttentionRun run({100, 45, 2, 8, 10, window}, random);
        for (const KernelTable *table : test::tiers()) {
            INFO(table->tier << " window " << window);
            const std::vector<float> expected = results_of(*table, run, one);
            const AttentionSequence whole = run.sequences[0];
            for (const size_t cut : {9, 41, 83}) {
                const AttentionSequence parts[] = {{whole.pages, 0, cut, whole.first_position},
                                                   {whole.pages, cut, whole.tokens - cut, whole.first_position + cut}};
                std::fill_n(run.args.out, run.args.out_stride * whole.tokens, 0.0f);
                for (const AttentionSequence &part : parts) {
                    AttentionArgs args = run.args;
                    args.sequences = {&part, 1};
                    kernel::attention(*table, args, three);
                }
                REQUIRE(equal_bits(run.results(), expected));
            }
        }
    }
}

TEST_CASE("few tokens are attended to in floats, whatever others do") {
    Random random(24);
    WorkerPool pool(2);
    AttentionRun run({most_panel_tokens, 70, 2, 3, 32, 0}, random);
    for (const KernelTable *table : test::tiers()) {
        run.args.whole_numbers = false;
        kernel::attention(*table, run.args, pool);
        const std::vector<float> expected = run.results();
        REQUIRE(equal_bits(results_of(*table, run, pool), expected));
    }
}

TEST_CASE("sums of whole numbers reach their bounds and do not pass them") {
    Random random(25);
    WorkerPool pool(1);
    for (const size_t dims : {2, 33, 64, 127, 128, 256, 576}) {
        AttentionRun run({64, 64, 1, 2, dims, 0}, random);
        const float value = 4095.4f / 2048;
        // Scores are as large as they may be, of either sign; where they are not, values cancel out.
        set_cache(
            run, [](size_t p) { return p % 3 ? 1.0f : -1.0f; }, [&](size_t p) { return p % 3 ? value : -value; });
        std::fill_n(run.q->data(), 64 * run.args.q_stride, 300.0f);
        for (const KernelTable *table : test::tiers()) {
            INFO(table->tier << " dims " << dims);
            for (const float x : results_of(*table, run, pool)) REQUIRE(x == Approx(4095.0 / 2048));
        }
    }
}

TEST_CASE("a key or value that is not finite reaches the tokens that see it, and no others") {
    Random random(26);
    WorkerPool pool(1);
    constexpr size_t tokens = 40, first = 50, at = 70;
    for (const bool in_key : {true, false})
        for (const float bad : {std::nanf(""), HUGE_VALF}) {
            AttentionRun run({tokens, first, 1, 3, 16, 0}, random);
            const auto good = [](size_t p) { return 0.01f * static_cast<float>(p % 11); };
            const auto broken = [&](size_t p) { return p == at ? bad : good(p); };
            set_cache(run, good, good);
            for (const KernelTable *table : test::tiers()) {
                INFO(table->tier << " key " << in_key << " " << bad);
                set_cache(run, good, good);
                const std::vector<float> before = results_of(*table, run, pool);
                if (in_key)
                    set_cache(run, broken, good);
                else
                    set_cache(run, good, broken);
                const std::vector<float> after = results_of(*table, run, pool);
                const size_t of_token = run.args.heads * run.args.head_dim, unseen_by = at - first;
                REQUIRE(std::memcmp(after.data(), before.data(), unseen_by * of_token * sizeof(float)) == 0);
                for (size_t i = unseen_by * of_token; i < after.size(); ++i) REQUIRE(std::isnan(after[i]));
            }
        }
}

TEST_CASE("a value of zeros keeps its weight") {
    // All look at position 0, which holds nothing, as sinks of attention do.
    Random random(27);
    WorkerPool pool(1);
    AttentionRun run({20, 100, 1, 1, 16, 0}, random);
    set_cache(
        run, [](size_t p) { return p ? 0.0f : 1.0f; }, [](size_t p) { return p ? 1.0f : 0.0f; });
    std::fill_n(run.q->data(), 20 * run.args.q_stride, 1.0f);
    for (const KernelTable *table : test::tiers()) {
        const std::vector<float> out = results_of(*table, run, pool);
        for (size_t t = 0; t < 20; ++t) {
            const double others = static_cast<double>(100 + t);
            REQUIRE(out[t * 16] == Approx(others / (others + std::exp(4.0))).epsilon(1e-3));
        }
    }
}
