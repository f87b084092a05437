// Sequences with adapters: switched, side by side, and what they share.
#include "adapter_test_support.h"
#include "engine/scheduler.h"
#include "golden_logits.h"
#include "session_test_support.h"

#include <future>

using namespace quant;
using test::last_logits;
using test::some_tokens;
using test::require_error;

namespace {

std::shared_ptr<const Model> base_model() {
    static const auto model = Model::open(test::data("model/llama-base"));
    return model;
}

// The fixture's, and one of random numbers.
std::shared_ptr<const Adapter> adapter(size_t which) {
    static const auto known = Adapter::open(base_model()->file_pointer(), test::data("model/llama-lora"));
    static const auto random = [] {
        const test::ScratchFolder scratch;
        test::write_peft(scratch / "random", R"("r": 3, "lora_alpha": 5)",
                         test::random_adapter(base_model()->hyperparameters(), 3, 77));
        return Adapter::open(base_model()->file_pointer(), scratch / "random");
    }();
    return which == 0 ? known : random;
}

std::vector<AdapterSet> some_sets() {
    return {{}, {{adapter(0), 1}}, {{adapter(1), 1}}, {{adapter(0), 0.5f}, {adapter(1), -1.5f}}, {{adapter(0), 0.5f}},
            {}};
}

std::vector<float> logits_of(const AdapterSet &set, const std::vector<int32_t> &ids, Activations activations) {
    Session session(base_model(), 300, activations);
    session.set_adapters(set);
    return last_logits(session, ids);
}

/// What became of a request: its tokens and their probabilities.
struct AdaptedOutcome {
    std::vector<int32_t> tokens;
    std::vector<float> log_probabilities;
    quant_generate_result result;
};

// How many tokens run together changes the order of float sums, so that the less likely of two tokens that are as
// good as equally likely may be taken; what follows it is another text.
bool are_alike(const AdaptedOutcome &a, const AdaptedOutcome &b) {
    constexpr float rounding = 1e-3f;
    for (size_t i = 0; i < std::min(a.tokens.size(), b.tokens.size()); i++) {
        if (std::abs(a.log_probabilities[i] - b.log_probabilities[i]) > rounding) return false;
        if (a.tokens[i] != b.tokens[i]) return i > 0;
    }
    return a.tokens.size() == b.tokens.size();
}

std::future<AdaptedOutcome> ask(Scheduler &scheduler, const std::vector<int32_t> &prompt, const AdapterSet &set) {
    auto promise = std::make_shared<std::promise<AdaptedOutcome>>();
    GenerationRequest request;
    request.prompt = prompt, request.adapters = set;
    request.sampling.temperature = 0;
    request.max_tokens = 20, request.ignore_end = true;
    request.log_probabilities = 0;
    request.on_event = [promise, made = AdaptedOutcome()](const GenerationEvent &e) mutable {
        for (const ToldToken &t : e.told) {
            made.tokens.push_back(t.id);
            made.log_probabilities.push_back(static_cast<float>(t.log_probability));
        }
        if (!e.ended) return;
        CHECK(e.status == QUANT_OK);
        made.result = e.result;
        promise->set_value(made);
    };
    auto future = promise->get_future();
    scheduler.submit(std::move(request));
    return future;
}

} // namespace

TEST_CASE("adapters are switched while a session lives, and the base stays what it was") {
    const auto prompt = some_tokens(40, 1);
    Session session(base_model(), 300, Activations::f32);
    for (const AdapterSet &set : some_sets()) {
        session.set_adapters(set);
        REQUIRE(session.length() == 0);
        const auto logits = last_logits(session, prompt);
        REQUIRE(logits == logits_of(set, prompt, Activations::f32));
        session.set_adapters(set); // The same: nothing is forgotten.
        REQUIRE(session.length() == prompt.size());
    }
    REQUIRE(logits_of({}, prompt, Activations::f32) != logits_of(some_sets()[1], prompt, Activations::f32));
    const auto other = Model::open(test::data("model/llama-3-rope"));
    const auto foreign = Adapter::open(other->file_pointer(), [&] {
        static const test::ScratchFolder scratch;
        test::write_peft(scratch / "lora", R"("r": 1, "lora_alpha": 1)",
                         test::random_adapter(other->hyperparameters(), 1, 3));
        return scratch / "lora";
    }());
    session.set_adapters(some_sets()[1]);
    last_logits(session, prompt);
    require_error(QUANT_ERR_ARGUMENT, {"another model"}, [&] { session.set_adapters({{foreign, 1}}); });
    REQUIRE(session.length() == prompt.size());
    REQUIRE(session.adapters() == some_sets()[1]);
}

TEST_CASE("a fork has the adapters of what it came from") {
    const auto prompt = some_tokens(80, 2), more = some_tokens(9, 3);
    for (const AdapterSet &set : some_sets()) {
        Session session(base_model(), 300, Activations::f32);
        session.set_adapters(set);
        last_logits(session, prompt);
        Session fork(session, 80);
        REQUIRE(fork.adapters() == set);
        REQUIRE(last_logits(fork, more) == last_logits(session, more));
    }
}

TEST_CASE("sequences of one batch with different adapters have the numbers that each has alone") {
    for (const Activations activations : {Activations::f32, Activations::int8_of_many}) {
        std::vector<std::unique_ptr<Session>> sessions;
        std::vector<std::vector<float>> logits;
        const auto sets = some_sets();
        for (const AdapterSet &set : sets) {
            sessions.push_back(std::make_unique<Session>(base_model(), 300, activations));
            sessions.back()->set_adapters(set);
            logits.emplace_back(base_model()->hyperparameters().vocabulary);
        }
        std::vector<std::vector<int32_t>> tokens(sets.size()), all(sets.size());
        for (const size_t count : {30u, 1u, 1u, 2u}) { // A prompt, and steps after it.
            std::vector<Session::Step> steps;
            for (size_t i = 0; i < sets.size(); i++) {
                tokens[i] = some_tokens(count, static_cast<int32_t>(i + count));
                steps.push_back({sessions[i].get(), tokens[i], 1, logits[i].data()});
            }
            Session::run(steps);
            for (size_t i = 0; i < sets.size(); i++) {
                Session alone(base_model(), 300, activations);
                alone.set_adapters(sets[i]);
                if (!all[i].empty()) last_logits(alone, {all[i].begin(), all[i].begin() + 30});
                for (size_t at = 30; at < all[i].size(); at++) last_logits(alone, {all[i][at]});
                INFO("set " << i << ", " << count << " tokens");
                REQUIRE(test::largest_difference(logits[i], last_logits(alone, tokens[i])) < 1e-4f);
            }
            for (size_t i = 0; i < sets.size(); i++) all[i].insert(all[i].end(), tokens[i].begin(), tokens[i].end());
        }
    }
}

TEST_CASE("requests with different adapters run together with the text that each has alone") {
    const auto sets = some_sets();
    std::vector<AdaptedOutcome> alone;
    for (size_t i = 0; i < sets.size(); i++) {
        Scheduler scheduler(base_model(), {.context = 300, .cached_tokens = 0});
        alone.push_back(ask(scheduler, some_tokens(50, 4), sets[i]).get());
    }
    REQUIRE(alone[0].tokens.size() == 20);
    REQUIRE(are_alike(alone[0], alone.back()));
    for (size_t i = 0; i < 5; i++)
        for (size_t j = 0; j < i; j++) REQUIRE(!are_alike(alone[i], alone[j]));
    Scheduler scheduler(base_model(), {.context = 300});
    std::vector<std::future<AdaptedOutcome>> together;
    for (const AdapterSet &set : sets) together.push_back(ask(scheduler, some_tokens(50, 4), set));
    for (size_t i = 0; i < sets.size(); i++) {
        INFO("set " << i);
        REQUIRE(are_alike(together[i].get(), alone[i]));
    }
}

TEST_CASE("a beginning is shared among sequences of the same adapters only") {
    Scheduler scheduler(base_model(), {.context = 300, .sequences = 1});
    const auto sets = some_sets();
    const auto prompt = some_tokens(100, 5);
    std::vector<AdaptedOutcome> first;
    for (size_t i = 0; i + 1 < sets.size(); i++) {
        const AdaptedOutcome made = ask(scheduler, prompt, sets[i]).get();
        INFO("set " << i);
        REQUIRE(made.result.cached_tokens == 0);
        first.push_back(made);
    }
    for (size_t i = 0; i + 1 < sets.size(); i++) {
        const AdaptedOutcome made = ask(scheduler, prompt, sets[i]).get();
        INFO("set " << i);
        REQUIRE(made.result.cached_tokens > 80);
        REQUIRE(are_alike(made, first[i]));
    }
}

TEST_CASE("a request with adapters of another model is refused at once") {
    const auto other = Model::open(test::data("model/llama-3-rope"));
    Scheduler scheduler(other, {.context = 100});
    require_error(QUANT_ERR_ARGUMENT, {"llama-lora", "another model"}, [&] {
        ask(scheduler, {1, 2}, {{adapter(0), 1}});
    });
}
