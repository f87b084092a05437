// quant_sampling grew: callers of both sizes get what they asked for.
#include "test_support.h"

#include <quant/quant.h>

#include <cmath>
#include <cstddef>
#include <cstring>

using namespace quant;

namespace {

/// As it was first published.
struct FirstSampling {
    size_t size = sizeof(FirstSampling);
    float temperature = 0.9f;
    uint32_t top_k = 30;
    float top_p = 0.9f;
    float min_p = 0.02f;
    float repeat_penalty = 1.2f;
    uint32_t repeat_last_n = 32;
    uint64_t seed = 77;
};

int collect(void *user, const char *text, size_t bytes) {
    static_cast<std::string *>(user)->append(text, bytes);
    return 0;
}

struct Generator {
    quant_model *model = nullptr;
    quant_session *session = nullptr;
    std::string text;

    Generator() {
        REQUIRE(quant_model_open(&model, test::data("model/llama-3-rope").c_str(), nullptr) == QUANT_OK);
        REQUIRE(quant_session_new(&session, model, nullptr) == QUANT_OK);
    }
    ~Generator() {
        quant_session_free(session);
        quant_model_free(model);
    }

    quant_status generate(const void *sampling) {
        quant_generate_options options;
        quant_generate_options_init(&options, sizeof options);
        options.prompt = "The old keeper counted", options.prompt_bytes = 22;
        options.whole = 1;
        options.max_tokens = 40;
        options.sampling = static_cast<const quant_sampling *>(sampling);
        options.on_text = collect;
        options.user = &text;
        text.clear();
        return quant_generate(session, &options, nullptr);
    }
};

/// The same choices as FirstSampling makes, in today's struct.
quant_sampling as_first() {
    quant_sampling s;
    quant_sampling_init(&s, sizeof s);
    const FirstSampling first;
    std::memcpy(&s, &first, sizeof first);
    s.size = sizeof s;
    return s;
}

} // namespace

TEST_CASE("a caller of the first, smaller sampling struct gets what it always did") {
    Generator g;
    const quant_sampling now = as_first();
    REQUIRE(g.generate(&now) == QUANT_OK);
    const std::string expected = g.text;
    REQUIRE(!expected.empty());

    REQUIRE(sizeof(FirstSampling) == offsetof(quant_sampling, typical_p));
    // What lies behind it in the caller's memory is none of the library's business.
    struct {
        FirstSampling sampling;
        unsigned char behind[256];
    } caller;
    std::memset(caller.behind, 0xff, sizeof caller.behind);
    REQUIRE(g.generate(&caller.sampling) == QUANT_OK);
    REQUIRE(g.text == expected);

    // Any size between is of some version, too.
    quant_sampling middle = now;
    middle.presence_penalty = 1, middle.mirostat = 77;
    middle.size = offsetof(quant_sampling, mirostat);
    REQUIRE(g.generate(&middle) == QUANT_OK);
    middle.size = offsetof(quant_sampling, presence_penalty);
    REQUIRE(g.generate(&middle) == QUANT_OK);
    REQUIRE(g.text == expected);

    caller.sampling.size--;
    REQUIRE(g.generate(&caller.sampling) == QUANT_ERR_ARGUMENT);
    REQUIRE(std::string(quant_error_message()).find("size") != std::string::npos);
}

TEST_CASE("each of the newer sampling values does something") {
    Generator g;
    const quant_sampling plain = as_first();
    REQUIRE(g.generate(&plain) == QUANT_OK);
    const std::string before = g.text;
    const auto differs = [&](auto set) {
        quant_sampling s = plain;
        set(s);
        REQUIRE(g.generate(&s) == QUANT_OK);
        return g.text != before;
    };
    REQUIRE(differs([](quant_sampling &s) { s.typical_p = 0.3f; }));
    REQUIRE(differs([](quant_sampling &s) { s.presence_penalty = 2; }));
    REQUIRE(differs([](quant_sampling &s) { s.frequency_penalty = 2; }));
    REQUIRE(differs([](quant_sampling &s) { s.repeat_penalty = 20, s.penalize_prompt = 0; }));
    REQUIRE(differs([](quant_sampling &s) { s.mirostat = 1; }));
    REQUIRE(differs([](quant_sampling &s) { s.mirostat = 2, s.mirostat_tau = 0.5f; }));
    const quant_logit_bias bias = {5, 100};
    REQUIRE(differs([&](quant_sampling &s) { s.logit_bias = &bias, s.logit_bias_count = 1; }));
    REQUIRE(!differs([](quant_sampling &) {}));
}

TEST_CASE("sampling values out of range and biases outside the vocabulary are refused by name") {
    Generator g;
    const auto refused = [&](const char *name, auto set) {
        quant_sampling s = as_first();
        set(s);
        INFO(name);
        REQUIRE(g.generate(&s) == QUANT_ERR_ARGUMENT);
        REQUIRE(std::string(quant_error_message()).find(name) != std::string::npos);
    };
    refused("typical_p", [](quant_sampling &s) { s.typical_p = NAN; });
    refused("presence_penalty", [](quant_sampling &s) { s.presence_penalty = -3; });
    refused("mirostat", [](quant_sampling &s) { s.mirostat = 3; });
    refused("logit_bias", [](quant_sampling &s) { s.logit_bias_count = 2; });
    const quant_logit_bias bias = {100000, 1};
    refused("100000", [&](quant_sampling &s) { s.logit_bias = &bias, s.logit_bias_count = 1; });
}
