// Guesses at what comes next, for speculative decoding: the model runs several guessed tokens
// in the time of one and keeps those that it would have chosen itself (Leviathan et al. 2023,
// Chen et al. 2023; with a guess that is certain of itself, their rejection sampling is just
// that: draw as always, and go on while the draw is the guess).
#pragma once

#include "model/model.h"

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace quant {

class Session;

/// One thread at a time.
class Drafter {
public:
    virtual ~Drafter() = default;
    /// At most `most` tokens that may follow `tokens`; none where there is no good guess.
    virtual std::vector<int32_t> propose(std::span<const int32_t> tokens, size_t most) = 0;
};

/// What followed the last time that the sequence's end occurred in it (prompt lookup: Saxena 2023).
class LookupDrafter : public Drafter {
public:
    std::vector<int32_t> propose(std::span<const int32_t> tokens, size_t most) override;
};

/// What a smaller model thinks likeliest, as long as it is rather sure.
class ModelDrafter : public Drafter {
public:
    /// Throws Error (QUANT_ERR_ARGUMENT): another vocabulary than `target`'s.
    ModelDrafter(std::shared_ptr<const Model> draft, const Model &target, uint32_t context);
    ~ModelDrafter() override;
    std::vector<int32_t> propose(std::span<const int32_t> tokens, size_t most) override;

private:
    std::unique_ptr<Session> session_;
    std::vector<float> logits_;
};

} // namespace quant
