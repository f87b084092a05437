// What tests of sequences share: a small model, ids that differ, and what is expected next.
#pragma once

#include "engine/drafter.h"
#include "engine/session.h"
#include "test_support.h"

#include <initializer_list>
#include <memory>
#include <span>
#include <vector>

namespace quant::test {

inline std::shared_ptr<const Model> small_model() {
    static const auto model = Model::open(test::data("model/llama-3-rope"));
    return model;
}

/// `count` ids below 340, which all models of the fixtures know, others for each `salt`.
inline std::vector<int32_t> some_tokens(size_t count, int32_t salt) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < count; i++)
        ids.push_back(static_cast<int32_t>((i * 37 + static_cast<size_t>(salt) * 101) % 340));
    return ids;
}

inline std::vector<float> last_logits(Session &session, std::span<const int32_t> ids) {
    std::vector<float> logits(session.model().hyperparameters().vocabulary);
    session.run(ids, 1, logits.data());
    return logits;
}
inline std::vector<float> last_logits(Session &session, std::initializer_list<int32_t> ids) {
    return last_logits(session, std::span(ids.begin(), ids.size()));
}

/// Knows what will come, and guesses every third token wrong, so that some guesses are taken and some are not.
class HalfOracle : public Drafter {
public:
    explicit HalfOracle(std::vector<int32_t> all) : all_(std::move(all)) {}
    std::vector<int32_t> propose(std::span<const int32_t> tokens, size_t most) override {
        std::vector<int32_t> out;
        for (size_t i = tokens.size(); i < all_.size() && out.size() < most; i++)
            out.push_back(i % 3 == 0 ? all_[i] ^ 1 : all_[i]);
        return out;
    }

private:
    std::vector<int32_t> all_;
};

} // namespace quant::test
