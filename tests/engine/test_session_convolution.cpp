// Models whose layers convolve: what a sequence is does not depend on how it came to be.
#include "engine/drafter.h"
#include "engine/sampler.h"
#include "engine/scheduler.h"
#include "engine/session.h"
#include "golden_logits.h"
#include "session_test_support.h"

#include <future>

using namespace quant;
using test::last_logits;
using test::some_tokens;

namespace {

std::shared_ptr<const Model> model() {
    static const auto made = [] {
        const auto folder = test::shared("fixtures/arch/lfm2");
        return folder.empty() ? nullptr : Model::open(folder);
    }();
    if (!made) WARN("no fixtures");
    return made;
}

std::vector<float> at_once(const std::vector<int32_t> &ids, KvTypes kv) {
    Session session(model(), 400, Activations::f32, kv);
    return last_logits(session, ids);
}

constexpr KvTypes kinds[] = {{}, generating_kv_types, {QUANT_Q8_0, QUANT_Q8_0}};

} // namespace

TEST_CASE("a convolving model's prompt may come in pieces of any length") {
    if (!model()) return;
    const auto ids = some_tokens(150, 1);
    for (const KvTypes kv : kinds) {
        const std::vector<float> expected = at_once(ids, kv);
        for (const size_t piece : {1u, 2u, 3u, 7u, 64u}) {
            Session session(model(), 400, Activations::f32, kv);
            std::vector<float> found;
            for (size_t at = 0; at < ids.size(); at += piece)
                found = last_logits(session, std::span(ids).subspan(at, std::min(piece, ids.size() - at)));
            INFO(piece << " at a time");
            REQUIRE(test::largest_difference(found, expected) < 1e-3f);
        }
    }
}

TEST_CASE("a convolving model goes back, and forks, at any token") {
    if (!model()) return;
    const auto ids = some_tokens(140, 2), others = some_tokens(60, 3);
    for (const uint32_t length : {1u, 2u, 63u, 64u, 65u, 66u, 127u, 128u, 130u}) {
        std::vector<int32_t> expected_ids(ids.begin(), ids.begin() + length);
        expected_ids.insert(expected_ids.end(), others.begin(), others.end());
        const std::vector<float> expected = at_once(expected_ids, generating_kv_types);
        Session session(model(), 400, Activations::f32, generating_kv_types);
        last_logits(session, ids);
        Session fork(session, length);
        INFO(length << " tokens");
        CHECK(test::largest_difference(last_logits(fork, others), expected) < 1e-3f);
        // What the fork wrote did not change what it came from.
        std::vector<int32_t> longer = ids;
        longer.insert(longer.end(), others.begin(), others.end());
        Session whole(session, session.length());
        CHECK(test::largest_difference(last_logits(whole, others), at_once(longer, generating_kv_types)) < 1e-3f);
        session.truncate(length);
        CHECK(test::largest_difference(last_logits(session, others), expected) < 1e-3f);
    }
}

TEST_CASE("sequences of a convolving model are run together as alone") {
    if (!model()) return;
    std::vector<std::unique_ptr<Session>> sessions;
    std::vector<std::vector<int32_t>> tokens;
    std::vector<std::vector<float>> logits;
    std::vector<Session::Step> steps;
    for (int32_t i = 0; i < 4; i++) {
        sessions.push_back(std::make_unique<Session>(model(), 400, Activations::f32));
        tokens.push_back(some_tokens(20 + static_cast<size_t>(i) * 30, i));
        logits.emplace_back(model()->hyperparameters().vocabulary);
    }
    for (size_t i = 0; i < 4; i++) steps.push_back({sessions[i].get(), tokens[i], 1, logits[i].data()});
    Session::run(steps);
    for (size_t i = 0; i < 4; i++) CHECK(test::largest_difference(logits[i], at_once(tokens[i], {})) < 1e-4f);
}

namespace {

quant_generate_result drawn(Session &session, uint64_t seed) {
    const std::string prompt = "The old keeper counted the lamps, the old keeper counted";
    quant_sampling sampling = default_sampling();
    sampling.temperature = 1, sampling.top_k = 0, sampling.top_p = 1, sampling.min_p = 0, sampling.seed = seed;
    quant_generate_options o{};
    o.size = sizeof o;
    o.prompt = prompt.c_str(), o.prompt_bytes = prompt.size();
    o.text_flags = QUANT_TEXT_ADD_SPECIAL;
    o.max_tokens = 90;
    o.sampling = &sampling;
    return session.generate(o);
}

/// The tokens made, and how many of the prompt were not run again.
struct Answer {
    std::vector<int32_t> tokens;
    uint64_t cached;
};

std::future<Answer> ask(Scheduler &scheduler, std::vector<int32_t> prompt, uint64_t seed) {
    auto promise = std::make_shared<std::promise<Answer>>();
    GenerationRequest request;
    request.prompt = std::move(prompt);
    request.sampling.temperature = 1, request.sampling.seed = seed;
    request.max_tokens = 24, request.ignore_end = true;
    request.on_event = [promise, tokens = std::vector<int32_t>()](const GenerationEvent &e) mutable {
        if (e.token >= 0) tokens.push_back(e.token);
        if (e.ended) promise->set_value({tokens, e.result.cached_tokens});
    };
    scheduler.submit(std::move(request));
    return promise->get_future();
}

} // namespace

TEST_CASE("guesses change nothing of what a convolving model draws") {
    if (!model()) return;
    uint64_t taken = 0, wrong = 0;
    for (const uint64_t seed : {1u, 2u, 3u}) {
        Session plain(model(), 400, Activations::f32, generating_kv_types);
        drawn(plain, seed);
        for (const uint32_t most : {1u, 2u, 4u, 7u}) {
            const auto check = [&](std::unique_ptr<Drafter> drafter) {
                Session session(model(), 400, Activations::f32, generating_kv_types);
                session.speculate(std::move(drafter), most);
                const quant_generate_result r = drawn(session, seed);
                INFO("seed " << seed << ", " << most << " at a time");
                REQUIRE(session.tokens() == plain.tokens());
                taken += r.accepted_tokens, wrong += r.drafted_tokens - r.accepted_tokens;
            };
            check(std::make_unique<test::HalfOracle>(plain.tokens()));
            check(std::make_unique<LookupDrafter>());
        }
    }
    REQUIRE(taken > 20);
    REQUIRE(wrong > 20);
}

TEST_CASE("a convolving model's beginnings are shared among requests, and change nothing") {
    if (!model()) return;
    const std::vector<int32_t> beginning = some_tokens(150, 5);
    std::vector<std::vector<int32_t>> prompts{beginning};
    for (const size_t kept : {150u, 149u, 129u, 128u, 127u, 66u, 65u, 64u}) {
        prompts.emplace_back(beginning.begin(), beginning.begin() + static_cast<ptrdiff_t>(kept));
        const std::vector<int32_t> rest = some_tokens(30, static_cast<int32_t>(kept));
        prompts.back().insert(prompts.back().end(), rest.begin(), rest.end());
    }
    std::vector<std::vector<int32_t>> alone;
    for (size_t i = 0; i < prompts.size(); i++) {
        Scheduler scheduler(model(), {.context = 400, .cached_tokens = 0});
        const Answer answer = ask(scheduler, prompts[i], i + 1).get();
        REQUIRE(answer.cached == 0);
        alone.push_back(answer.tokens);
    }
    Scheduler scheduler(model(), {.context = 400});
    REQUIRE(ask(scheduler, prompts[0], 1).get().tokens == alone[0]);
    for (size_t i = 1; i < prompts.size(); i++) { // One after another, of what has ended.
        const Answer answer = ask(scheduler, prompts[i], i + 1).get();
        INFO("prompt " << i);
        CHECK(answer.cached > 0);
        CHECK(answer.tokens == alone[i]);
    }
    std::vector<std::future<Answer>> together; // And all at once.
    for (size_t i = 0; i < prompts.size(); i++) together.push_back(ask(scheduler, prompts[i], i + 1));
    for (size_t i = 0; i < prompts.size(); i++) CHECK(together[i].get().tokens == alone[i]);
}

TEST_CASE("memory for a convolving model counts what goes into its kernels") {
    if (!model()) return;
    const Hyperparameters &h = model()->hyperparameters();
    // One layer attends, with two heads of 64, and one convolves.
    REQUIRE(kv_bytes_per_token(h, {}) == 2 * 2 * 64 * 4 + 256 * 4);
    REQUIRE(kv_bytes_per_token(h, generating_kv_types) == 2 * 2 * 64 * 2 + 256 * 2);
}
