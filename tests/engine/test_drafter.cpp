// Guessing ahead changes when tokens are run, not which ones come.
#include "engine/drafter.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "session_test_support.h"

#include <cmath>
#include <map>

using namespace quant;
using test::small_model;
using test::require_error;

namespace {

/// Guesses as told, over and over.
class FixedDrafter : public Drafter {
public:
    explicit FixedDrafter(std::vector<int32_t> ids) : ids_(std::move(ids)) {}
    std::vector<int32_t> propose(std::span<const int32_t>, size_t most) override {
        return {ids_.begin(), ids_.begin() + static_cast<ptrdiff_t>(std::min(most, ids_.size()))};
    }

private:
    std::vector<int32_t> ids_;
};

struct Made {
    std::vector<int32_t> tokens;
    quant_generate_result result;
};

Made generate(Session &session, const std::string &prompt, uint32_t count, const quant_sampling &sampling) {
    quant_generate_options o{};
    o.size = sizeof o;
    o.prompt = prompt.c_str();
    o.prompt_bytes = prompt.size();
    o.text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    o.max_tokens = count;
    o.sampling = &sampling;
    const quant_generate_result r = session.generate(o);
    return {session.tokens(), r};
}

Made generate(Session &session, const std::string &prompt, uint32_t count, float temperature, uint64_t seed) {
    quant_sampling sampling = default_sampling();
    sampling.temperature = temperature;
    sampling.top_k = 0, sampling.top_p = 1, sampling.min_p = 0;
    sampling.repeat_penalty = temperature == 0 ? 1 : 1.1f;
    sampling.seed = seed;
    return generate(session, prompt, count, sampling);
}

const char *const repetitive = "the keeper counted the lamps, the keeper counted the lamps, the keeper counted";

} // namespace

TEST_CASE("the same tokens come with guesses as without, greedy and drawn") {
    for (const float temperature : {0.0f, 1.0f})
        for (const uint64_t seed : {1u, 2u, 3u}) {
            Session plain(small_model(), 0);
            const Made expected = generate(plain, repetitive, 60, temperature, seed);
            REQUIRE(expected.result.drafted_tokens == 0);
            const auto check = [&](std::unique_ptr<Drafter> drafter, uint32_t most) {
                Session session(small_model(), 0);
                session.speculate(std::move(drafter), most);
                const Made made = generate(session, repetitive, 60, temperature, seed);
                INFO("temperature " << temperature << " seed " << seed << " most " << most);
                REQUIRE(made.tokens == expected.tokens);
                REQUIRE(made.result.generated_tokens == expected.result.generated_tokens);
                REQUIRE(made.result.accepted_tokens <= made.result.drafted_tokens);
                return made.result;
            };
            for (const uint32_t most : {1u, 4u, 7u}) {
                check(std::make_unique<LookupDrafter>(), most);
                check(std::make_unique<FixedDrafter>(std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7}), most);
                // The model itself knows best: greedy, all that it is sure of is right.
                const auto own = check(std::make_unique<ModelDrafter>(small_model(), *small_model(), 0x7fffffff), most);
                if (temperature == 0) REQUIRE(own.accepted_tokens == own.drafted_tokens);
            }
        }
}

TEST_CASE("what a sampler remembers is the same with guesses, right and wrong, as without") {
    const quant_logit_bias biases[] = {{17, 3}, {40, -100}};
    const auto try_out = [&](const char *name, auto set) {
        quant_sampling sampling = default_sampling();
        sampling.seed = 12;
        set(sampling);
        INFO(name);
        Session plain(small_model(), 0);
        const Made expected = generate(plain, repetitive, 80, sampling);
        for (const uint32_t most : {1u, 3u, 7u}) {
            Session session(small_model(), 0), looking(small_model(), 0);
            session.speculate(std::make_unique<test::HalfOracle>(expected.tokens), most);
            const Made made = generate(session, repetitive, 80, sampling);
            REQUIRE(made.tokens == expected.tokens);
            REQUIRE(made.result.accepted_tokens > 10);
            REQUIRE(made.result.accepted_tokens < made.result.drafted_tokens);
            looking.speculate(std::make_unique<LookupDrafter>(), most);
            REQUIRE(generate(looking, repetitive, 80, sampling).tokens == expected.tokens);
        }
    };
    try_out("defaults", [](quant_sampling &) {});
    try_out("greedy", [](quant_sampling &s) { s.temperature = 0; });
    try_out("greedy with penalties and biases", [&](quant_sampling &s) {
        s.temperature = 0, s.repeat_penalty = 1.1f, s.frequency_penalty = 0.3f;
        s.logit_bias = biases, s.logit_bias_count = 2;
    });
    try_out("typical", [](quant_sampling &s) { s.typical_p = 0.8f; });
    try_out("penalties over all", [](quant_sampling &s) {
        s.presence_penalty = 0.5f, s.frequency_penalty = 0.2f, s.repeat_last_n = UINT32_MAX;
    });
    try_out("penalties of what is generated", [](quant_sampling &s) { s.presence_penalty = 1, s.penalize_prompt = 0; });
    try_out("mirostat 1", [](quant_sampling &s) { s.mirostat = 1, s.mirostat_tau = 3; });
    try_out("mirostat 2, penalties", [](quant_sampling &s) { s.mirostat = 2, s.repeat_penalty = 1.2f; });
}

TEST_CASE("penalties spare the prompt if they are told to") {
    // 30 makes a token that occurs at all hopeless; the prompt's come first without.
    quant_sampling s = default_sampling();
    s.temperature = 0, s.repeat_penalty = 30, s.repeat_last_n = UINT32_MAX;
    const auto made = [&](int32_t penalize_prompt) {
        s.penalize_prompt = penalize_prompt;
        Session session(small_model(), 0);
        std::vector<int32_t> tokens = generate(session, repetitive, 30, s).tokens;
        const size_t prompt = tokens.size() - 29; // The last one is not run.
        size_t known = 0;
        for (size_t i = prompt; i < tokens.size(); i++)
            known += std::find(tokens.begin(), tokens.begin() + static_cast<ptrdiff_t>(prompt), tokens[i]) !=
                     tokens.begin() + static_cast<ptrdiff_t>(prompt);
        return known;
    };
    REQUIRE(made(1) < made(0));
}

TEST_CASE("guesses that are right are taken") {
    Session plain(small_model(), 0);
    const std::vector<int32_t> all = generate(plain, repetitive, 8, 0, 1).tokens;
    Session before(small_model(), 0);
    const size_t prompt = generate(before, repetitive, 1, 0, 1).tokens.size();
    // What comes after the first token generated, so that its guesses are the next four.
    Session session(small_model(), 0);
    session.speculate(std::make_unique<FixedDrafter>(
                          std::vector<int32_t>(all.begin() + static_cast<ptrdiff_t>(prompt) + 1, all.end())), 4);
    const Made made = generate(session, repetitive, 6, 0, 1);
    REQUIRE(made.result.accepted_tokens >= 4);
}

TEST_CASE("what is drawn with guesses has the model's distribution") {
    // The second token after a prompt, over many draws, against its exact probabilities.
    const auto model = small_model();
    const size_t vocabulary = model->hyperparameters().vocabulary;
    Session first(model, 64);
    const std::vector<int32_t> prompt = {5, 17, 33, 5, 17};
    std::vector<float> logits(vocabulary);
    first.run(prompt, 1, logits.data());
    const auto probabilities = [&](const std::vector<float> &of) {
        double largest = -INFINITY, sum = 0;
        std::vector<double> p(vocabulary);
        for (const float l : of) largest = std::max(largest, static_cast<double>(l));
        for (size_t i = 0; i < vocabulary; i++) sum += p[i] = std::exp(of[i] - largest);
        for (double &v : p) v /= sum;
        return p;
    };
    const auto start = probabilities(logits);
    const auto likeliest = static_cast<int32_t>(std::max_element(start.begin(), start.end()) - start.begin());
    first.run(std::span(&likeliest, 1), 1, logits.data());
    const auto expected = probabilities(logits);
    const auto guess = static_cast<int32_t>(std::max_element(expected.begin(), expected.end()) - expected.begin());

    // Forced onto `likeliest` first by appending it as a token, so that the draw under test is the guessed one.
    constexpr uint32_t draws = 3000;
    std::map<int32_t, uint32_t> counts;
    Session base(model, 64);
    base.run(prompt, 0, nullptr);
    uint32_t guessed = 0;
    for (uint32_t i = 0; i < draws; i++) {
        Session session(base, static_cast<uint32_t>(prompt.size()));
        session.speculate(std::make_unique<FixedDrafter>(std::vector<int32_t>{guess}), 1);
        quant_sampling sampling = default_sampling();
        sampling.temperature = 1, sampling.top_k = 0, sampling.top_p = 1, sampling.min_p = 0, sampling.seed = i + 1;
        quant_generate_options o{};
        o.size = sizeof o;
        o.max_tokens = 3;
        o.sampling = &sampling;
        const quant_generate_result r = session.generate(o);
        guessed += r.drafted_tokens;
        if (session.length() > prompt.size() + 1 && session.tokens()[prompt.size()] == likeliest)
            counts[session.tokens()[prompt.size() + 1]]++;
    }
    REQUIRE(guessed > 0);
    uint32_t total = 0;
    for (const auto &[id, count] : counts) total += count;
    INFO("draws after the likeliest token: " << total);
    REQUIRE(total > 20);
    // The guess must come as often as it is likely, within four standard deviations.
    const double p = expected[static_cast<size_t>(guess)], deviation = std::sqrt(p * (1 - p) / total);
    REQUIRE(std::fabs(counts[guess] / static_cast<double>(total) - p) < 4 * deviation + 1e-9);
}

TEST_CASE("looking up finds what followed the longest of the latest matches") {
    LookupDrafter drafter;
    const std::vector<int32_t> tokens = {1, 2, 3, 9, 2, 3, 7, 8, 1, 2, 3};
    REQUIRE(drafter.propose(tokens, 3) == std::vector<int32_t>{9, 2, 3});
    const std::vector<int32_t> latest = {2, 3, 9, 2, 3, 7, 8, 2, 3};
    REQUIRE(drafter.propose(latest, 2) == std::vector<int32_t>{7, 8});
    REQUIRE(drafter.propose(std::vector<int32_t>{1, 2, 3}, 4).empty());
    REQUIRE(drafter.propose(std::vector<int32_t>{}, 4).empty());
    REQUIRE(drafter.propose(std::vector<int32_t>{4, 4, 4, 4}, 2).size() <= 2);
}

TEST_CASE("a draft model of another vocabulary is refused, as is too much at a time") {
    const auto other = Model::open(test::data("model/llama-f16-sharded"));
    require_error(QUANT_ERR_ARGUMENT, {"vocabulary"}, [&] { ModelDrafter(other, *small_model(), 64); });
    Session session(small_model(), 0);
    require_error(QUANT_ERR_ARGUMENT, {"8", "7"}, [&] { session.speculate(nullptr, 8); });
}

TEST_CASE("guesses stop where the context does") {
    Session plain(small_model(), 40), session(small_model(), 40);
    session.speculate(std::make_unique<FixedDrafter>(std::vector<int32_t>{1, 2, 3, 4, 5, 6, 7}), 7);
    REQUIRE(generate(session, "a b c d", 0, 0, 1).tokens == generate(plain, "a b c d", 0, 0, 1).tokens);
}
