// The forward pass against the reference library's logits.
#include "golden_fixtures.h"

using namespace quant;
using namespace quant::test;

namespace {

void require_golden(const std::filesystem::path &path, const std::filesystem::path &golden) {
    INFO(path);
    const auto model = Model::open(path);
    for (const Prompt &p : golden_prompts(golden))
        REQUIRE(largest_difference(all_logits(*model, p.ids), p.logits) <= tolerance);
}

} // namespace

TEST_CASE("logits of folders and GGUF files are those of the reference library") {
    const struct {
        const char *model, *golden;
    } cases[] = {{"model/llama-3-rope", "model/llama-3-rope"},
                 {"model/llama-f16-sharded", "model/llama-f16-sharded"},
                 {"model/llama-3-rope.gguf", "model/llama-3-rope"},
                 {"model/mixtral.gguf", "model/mixtral"},
                 {"model/qwen3-moe", "model/qwen3-moe"}};
    for (const auto &c : cases) require_golden(test::data(c.model), test::data(c.golden));
}

namespace {

void require_greedy(const Model &model, const Prompt &p) {
    KvCache cache(model.hyperparameters(), 512);
    Forward forward(model, default_pool());
    std::vector<float> logits(model.hyperparameters().vocabulary);
    forward.run(cache, p.ids, 0, 1, logits.data());
    auto position = static_cast<uint32_t>(p.ids.size());
    for (const int32_t expected : p.greedy) {
        const auto best = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
        REQUIRE(best == expected);
        forward.run(cache, std::span(&best, 1), position++, 1, logits.data());
    }
}

} // namespace

TEST_CASE("logits and greedy tokens of all architectures of the fixtures are those of the reference library") {
    const std::vector<Fixture> fixtures = fixtures_of_architectures();
    if (fixtures.empty()) WARN("no fixtures");
    for (const Fixture &f : fixtures)
        for (const std::filesystem::path &path : {f.folder, f.gguf}) {
            if (!std::filesystem::exists(path)) continue;
            INFO(path);
            const auto model = Model::open(path);
            for (const Prompt &p : golden_prompts(f.folder)) {
                CHECK(largest_difference(all_logits(*model, p.ids), p.logits) <= f.tolerance);
                require_greedy(*model, p);
            }
        }
}

TEST_CASE("greedy decoding, token by token, follows the reference") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    for (const Prompt &p : golden_prompts(test::data("model/llama-3-rope"))) require_greedy(*model, p);
}

TEST_CASE("a prompt in pieces gives the logits of the whole prompt") {
    const auto model = Model::open(test::data("model/llama-3-rope.gguf"));
    const uint32_t vocabulary = model->hyperparameters().vocabulary;
    const Prompt p = golden_prompts(test::data("model/llama-3-rope"))[1];
    const std::vector<float> whole = all_logits(*model, p.ids);
    KvCache cache(model->hyperparameters(), 512);
    Forward forward(*model, default_pool());
    std::vector<float> pieces(whole.size());
    for (size_t at = 0; at < p.ids.size();) {
        const size_t count = std::min<size_t>(1 + at % 5, p.ids.size() - at);
        forward.run(cache, std::span(p.ids).subspan(at, count), static_cast<uint32_t>(at), count,
                    pieces.data() + at * vocabulary);
        at += count;
    }
    REQUIRE(largest_difference(whole, pieces) <= 1e-4f);
}
