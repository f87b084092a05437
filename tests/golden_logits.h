// The reference library's logits, and how far a model's are from them.
#pragma once

#include "base/json.h"
#include "model/forward.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>

namespace quant::test {

struct Prompt {
    std::vector<int32_t> ids, greedy;
    std::vector<float> logits;
};

inline std::vector<int32_t> ids_of(const json::array &a) {
    std::vector<int32_t> ids;
    for (const json::value &v : a) ids.push_back(static_cast<int32_t>(v.as_int64()));
    return ids;
}

inline std::vector<Prompt> golden_prompts(const std::filesystem::path &folder) {
    const json::value document = json::parse(read_file(folder / "golden/golden.json"), "golden.json");
    std::vector<Prompt> prompts;
    for (const json::value &v : document.at("prompts").as_array()) {
        const json::Reader p(v, "prompt");
        prompts.push_back({ids_of(p.require_array("input_ids")), ids_of(p.require_array("greedy_16")),
                           read_array<float>(folder / "golden" / p.require_string("logits_file"))});
    }
    REQUIRE(prompts.size() >= 2);
    return prompts;
}

inline std::vector<float> all_logits(const Model &model, std::span<const int32_t> ids,
                                     const AdapterSet *adapters = nullptr) {
    KvCache cache(model.hyperparameters(), 512);
    Forward forward(model, default_pool());
    std::vector<float> logits(ids.size() * model.hyperparameters().vocabulary);
    const SequenceRun run{&cache, ids, 0, ids.size(), logits.data(), nullptr, adapters};
    forward.run({&run, 1});
    return logits;
}

inline float largest_difference(const std::vector<float> &a, const std::vector<float> &b) {
    REQUIRE(a.size() == b.size());
    float largest = 0;
    for (size_t i = 0; i < a.size(); i++) largest = std::max(largest, std::abs(a[i] - b[i]));
    return largest;
}

/// The tolerance of the fixtures for float32 arithmetic.
inline constexpr float tolerance = 0.002f;

} // namespace quant::test
