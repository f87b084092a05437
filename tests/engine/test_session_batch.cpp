// Sequences that share memory and work: forks, batches, and how keys and values are kept.
#include "golden_logits.h"
#include "session_test_support.h"

using namespace quant;
using test::largest_difference;
using test::last_logits;
using test::require_error;
using test::small_model;
using test::some_tokens;

TEST_CASE("a fork goes on as the original would, and neither disturbs the other") {
    // 150 tokens: two whole pages, and one that both write on.
    const auto prompt = some_tokens(150, 1), one_way = some_tokens(60, 2), other_way = some_tokens(70, 3);
    for (const uint32_t shared : {150u, 128u, 70u, 0u}) {
        const KvTypes kv{QUANT_F16, QUANT_Q8_0};
        Session original(small_model(), 400, Activations::f32, kv), alone(small_model(), 400, Activations::f32, kv);
        last_logits(original, prompt);
        Session fork(original, shared);
        REQUIRE(fork.length() == shared);
        const std::vector<int32_t> kept(prompt.begin(), prompt.begin() + shared);
        if (!kept.empty()) last_logits(alone, kept);
        const auto from_fork = last_logits(fork, one_way);
        const auto from_original = last_logits(original, other_way);
        REQUIRE(largest_difference(from_fork, last_logits(alone, one_way)) < 1e-4);
        Session whole(small_model(), 400, Activations::f32, kv);
        last_logits(whole, prompt);
        REQUIRE(largest_difference(from_original, last_logits(whole, other_way)) < 1e-4);
        require_error(QUANT_ERR_ARGUMENT, {"999", "220"}, [&] { Session(original, 999); });
    }
}

TEST_CASE("what a fork reads outlives the original") {
    auto original = std::make_unique<Session>(small_model(), 200, Activations::f32);
    last_logits(*original, some_tokens(100, 1));
    Session fork(*original, 100), expected(*original, 100);
    original.reset();
    Session fresh(small_model(), 200, Activations::f32);
    last_logits(fresh, some_tokens(100, 1));
    REQUIRE(largest_difference(last_logits(fork, {7}), last_logits(fresh, {7})) < 1e-4);
}

TEST_CASE("a batch gives each session what it gets alone") {
    const auto model = small_model();
    const size_t vocabulary = model->hyperparameters().vocabulary;
    // The last is longer than what is worked on together.
    const std::vector<std::vector<int32_t>> first = {some_tokens(5, 1), some_tokens(70, 2), some_tokens(1, 3)};
    const std::vector<std::vector<int32_t>> next = {some_tokens(1, 4), some_tokens(9, 5), some_tokens(600, 6)};
    std::vector<std::unique_ptr<Session>> together, alone;
    for (const auto &ids : first) {
        for (auto *sessions : {&together, &alone}) {
            sessions->push_back(std::make_unique<Session>(model, 700, Activations::f32));
            last_logits(*sessions->back(), ids);
        }
    }
    std::vector<std::vector<float>> logits;
    std::vector<Session::Step> steps;
    const size_t rows[] = {1, 9, 550};
    for (size_t i = 0; i < 3; i++) logits.emplace_back(rows[i] * vocabulary);
    for (size_t i = 0; i < 3; i++) steps.push_back({together[i].get(), next[i], rows[i], logits[i].data()});
    Session::run(steps);
    for (size_t i = 0; i < 3; i++) {
        std::vector<float> expected(rows[i] * vocabulary);
        alone[i]->run(next[i], rows[i], expected.data());
        INFO("session " << i);
        REQUIRE(largest_difference(logits[i], expected) < 1e-4);
        REQUIRE(together[i]->tokens() == alone[i]->tokens());
    }
}

TEST_CASE("a batch that does not go together is refused, and nothing is appended") {
    const auto model = small_model();
    Session a(model, 10, Activations::f32), b(model, 10, Activations::f32), rounded(model, 10, Activations::int8),
        narrow(model, 10, Activations::f32, {QUANT_F16, QUANT_F16});
    const std::vector<int32_t> good = {1, 2}, bad = {1, 9999}, many(11, 1);
    const auto refused = [&](quant_status status, const char *word, Session &second, const std::vector<int32_t> &ids) {
        const Session::Step steps[] = {{&a, good, 0, nullptr}, {&second, ids, 0, nullptr}};
        require_error(status, {word}, [&] { Session::run(steps); });
    };
    refused(QUANT_ERR_ARGUMENT, "session 1", a, good);
    refused(QUANT_ERR_ARGUMENT, "activations", rounded, good);
    refused(QUANT_ERR_ARGUMENT, "types", narrow, good);
    refused(QUANT_ERR_ARGUMENT, "9999", b, bad);
    refused(QUANT_ERR_LIMIT, "11", b, many);
    REQUIRE(a.length() == 0);
    REQUIRE(b.length() == 0);
}

TEST_CASE("the fewer bits keys and values have, the more they change, and none changes much") {
    const auto ids = some_tokens(200, 7);
    Session exact(small_model(), 200, Activations::f32);
    const auto expected = last_logits(exact, ids);
    double before = 0;
    for (const quant_encoding type : {QUANT_F16, QUANT_BF16, QUANT_Q8_0, QUANT_Q4_0}) {
        Session session(small_model(), 200, Activations::f32, {type, type});
        const double difference = largest_difference(last_logits(session, ids), expected);
        INFO(encoding_traits(type).name << " " << difference);
        CHECK(difference > 0);
        if (type != QUANT_Q8_0) CHECK(difference > before); // BF16 and Q8_0 are about as fine.
        before = difference;
    }
    CHECK(before < 3); // Of logits between some -10 and 10.
}

TEST_CASE("types of keys and values that cannot be are refused") {
    const auto with = [](KvTypes kv) { return [kv] { Session(small_model(), 8, Activations::f32, kv); }; };
    require_error(QUANT_ERR_ARGUMENT, {"keys", "Q4_K", "expected F32"}, with({QUANT_Q4_K, QUANT_F16}));
    require_error(QUANT_ERR_ARGUMENT, {"values", "expected F32"}, with({QUANT_F16, static_cast<quant_encoding>(77)}));
    require_error(QUANT_ERR_NO_MEMORY, {"4294967295", "shorter"}, [] {
        Hyperparameters h = small_model()->hyperparameters();
        h.layers = 1u << 20;
        KvCache(h, 0xffffffffu);
    });
}
