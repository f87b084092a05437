#include "base/utf8.h"
#include "engine/sampler.h"
#include "engine/session.h"
#include "session_test_support.h"

using namespace quant;
using test::small_model;
using test::require_error;

namespace {

int collect(void *user, const char *text, size_t bytes) {
    static_cast<std::string *>(user)->append(text, bytes);
    return 0;
}

struct Generated {
    std::string text;
    quant_generate_result result;
};

Generated generate(Session &session, const std::string &prompt, uint32_t tokens, bool whole = false) {
    quant_sampling sampling = default_sampling();
    sampling.temperature = 0;
    quant_generate_options o{};
    o.size = sizeof o;
    o.prompt = prompt.c_str();
    o.prompt_bytes = prompt.size();
    o.text_flags = QUANT_TEXT_ADD_SPECIAL | QUANT_TEXT_PARSE_SPECIAL;
    o.whole = whole;
    o.max_tokens = tokens;
    o.sampling = &sampling;
    o.on_text = collect;
    Generated g;
    o.user = &g.text;
    g.result = session.generate(o);
    return g;
}

} // namespace

TEST_CASE("what is run is checked first, and a refusal changes nothing") {
    Session session(small_model(), 8);
    std::vector<float> logits(512);
    const std::vector<int32_t> good = {1, 2, 3}, bad = {1, 512}, negative = {-1}, many(9, 1);
    session.run(good, 1, logits.data());
    require_error(QUANT_ERR_ARGUMENT, {"512"}, [&] { session.run(bad, 1, logits.data()); });
    require_error(QUANT_ERR_ARGUMENT, {"-1"}, [&] { session.run(negative, 1, logits.data()); });
    require_error(QUANT_ERR_LIMIT, {"9", "8", "3"}, [&] { session.run(many, 1, logits.data()); });
    require_error(QUANT_ERR_ARGUMENT, {"no tokens"}, [&] { session.run({}, 0, nullptr); });
    require_error(QUANT_ERR_ARGUMENT, {"4"}, [&] { session.truncate(4); });
    REQUIRE(session.length() == 3);
}

TEST_CASE("generation in two calls is generation in one") {
    Session one(small_model(), 0), two(small_model(), 0);
    const std::string whole = generate(one, "The old keeper", 12).text;
    std::string parts = generate(two, "The old keeper", 5).text;
    parts += generate(two, "", 7).text;
    REQUIRE(parts == whole);
    REQUIRE(one.tokens() == two.tokens());
}

TEST_CASE("a prompt that repeats the sequence is not run again") {
    Session session(small_model(), 0), fresh(small_model(), 0);
    const Generated first = generate(session, "The old keeper counted", 4, true);
    REQUIRE(first.result.cached_tokens == 0);
    const Generated again = generate(session, "The old keeper counted the", 4, true);
    REQUIRE(again.result.cached_tokens > 5);
    REQUIRE(again.text == generate(fresh, "The old keeper counted the", 4, true).text);
}

TEST_CASE("generation ends by length, by context, and by the caller") {
    Session session(small_model(), 16);
    REQUIRE(generate(session, "The", 3).result.stop == QUANT_STOP_LENGTH);
    const Generated full = generate(session, "", 0);
    REQUIRE((full.result.stop == QUANT_STOP_CONTEXT || full.result.stop == QUANT_STOP_END));
    REQUIRE(session.length() <= 16);
    require_error(QUANT_ERR_LIMIT, {"prompt", "16"},
                  [&] { generate(session, "a long prompt that surely does not fit in there any more", 1); });
    Session empty(small_model(), 0);
    quant_generate_options o{};
    o.size = sizeof o;
    require_error(QUANT_ERR_ARGUMENT, {"empty"}, [&] { empty.generate(o); });
    o.text_flags = 64;
    require_error(QUANT_ERR_ARGUMENT, {"text_flags"}, [&] { empty.generate(o); });
}

TEST_CASE("streamed text is always valid UTF-8") {
    Session session(small_model(), 0);
    REQUIRE(is_utf8(generate(session, "A quantized model", 200).text));
}

TEST_CASE("a sequence that outgrows the short factors of LongRoPE is what it would be if run at once") {
    const auto folder = test::shared("fixtures/arch/phi3-longrope");
    if (folder.empty()) {
        WARN("no fixtures/arch/phi3-longrope");
        return;
    }
    const auto model = Model::open(folder);
    REQUIRE(model->hyperparameters().rope.long_from == 48);
    const size_t width = model->hyperparameters().vocabulary;
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < 60; i++) ids.push_back(3 + i * 7 % 300);
    const auto difference = [&](const std::vector<float> &a, const std::vector<float> &b) {
        float most = 0;
        for (size_t i = 0; i < width; i++) most = std::max(most, std::abs(a[i] - b[i]));
        return most;
    };
    std::vector<float> whole(width), pieces(width), cut(width), brief(width);
    Session one(model, 0, Activations::f32), two(model, 0, Activations::f32), three(model, 0, Activations::f32);
    one.run(ids, 1, whole.data());
    for (size_t at = 0; at < ids.size(); at += 5) two.run(std::span(ids).subspan(at, 5), 1, pieces.data());
    REQUIRE(difference(whole, pieces) < 1e-4f);
    REQUIRE(two.length() == 60);
    // And back below: those of a sequence that was never long.
    two.truncate(20);
    two.run(std::span(ids).subspan(20, 5), 1, cut.data());
    three.run(std::span(ids).first(25), 1, brief.data());
    REQUIRE(difference(cut, brief) < 1e-4f);
    Session shared(one, 30);
    shared.run(std::span(ids).subspan(30, 5), 1, cut.data());
    three.run(std::span(ids).subspan(25, 10), 1, brief.data());
    REQUIRE(difference(cut, brief) < 1e-4f);
}
