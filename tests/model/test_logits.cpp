// The forward pass against the reference library's logits.
#include "base/json.h"
#include "model/forward.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>

using namespace quant;

namespace {

struct Prompt {
    std::vector<int32_t> ids, greedy;
    std::vector<float> logits;
};

std::vector<int32_t> ids_of(const json::array &a) {
    std::vector<int32_t> ids;
    for (const json::value &v : a) ids.push_back(static_cast<int32_t>(v.as_int64()));
    return ids;
}

std::vector<Prompt> golden_prompts(const std::filesystem::path &folder) {
    const json::value document = json::parse(test::read_file(folder / "golden/golden.json"), "golden.json");
    std::vector<Prompt> prompts;
    for (const json::value &v : document.at("prompts").as_array()) {
        const json::Reader p(v, "prompt");
        prompts.push_back({ids_of(p.require_array("input_ids")), ids_of(p.require_array("greedy_16")),
                           test::read_array<float>(folder / "golden" / p.require_string("logits_file"))});
    }
    REQUIRE(prompts.size() >= 2);
    return prompts;
}

std::vector<float> all_logits(const Model &model, std::span<const int32_t> ids) {
    KvCache cache(model.hyperparameters(), 512);
    Forward forward(model, default_pool());
    std::vector<float> logits(ids.size() * model.hyperparameters().vocabulary);
    forward.run(cache, ids, 0, ids.size(), logits.data());
    return logits;
}

float largest_difference(const std::vector<float> &a, const std::vector<float> &b) {
    REQUIRE(a.size() == b.size());
    float largest = 0;
    for (size_t i = 0; i < a.size(); i++) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

// The tolerance of the fixtures for float32 arithmetic.
constexpr float tolerance = 0.002f;

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

TEST_CASE("the same of the fixtures that are not copied here") {
    for (const char *name : {"mixtral", "qwen3", "qwen3-moe"})
        for (const std::string &kind : {std::string("arch/") + name, "gguf/" + std::string(name) + ".gguf"}) {
            const auto path = test::shared("fixtures/" + kind);
            if (path.empty()) {
                WARN("no fixtures/" << kind);
                continue;
            }
            require_golden(path, test::shared(std::string("fixtures/arch/") + name));
        }
}

TEST_CASE("greedy decoding, token by token, follows the reference") {
    const auto model = Model::open(test::data("model/llama-3-rope"));
    const uint32_t vocabulary = model->hyperparameters().vocabulary;
    for (const Prompt &p : golden_prompts(test::data("model/llama-3-rope"))) {
        KvCache cache(model->hyperparameters(), 512);
        Forward forward(*model, default_pool());
        std::vector<float> logits(vocabulary);
        forward.run(cache, p.ids, 0, 1, logits.data());
        auto position = static_cast<uint32_t>(p.ids.size());
        for (const int32_t expected : p.greedy) {
            const auto best = static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
            REQUIRE(best == expected);
            forward.run(cache, std::span(&best, 1), position++, 1, logits.data());
        }
    }
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
