// A sequence of tokens being run, and text generation on it.
#pragma once

#include <quant/session.h>

#include "engine/drafter.h"
#include "model/forward.h"

#include <memory>
#include <vector>

namespace quant {

class Sampler;

/// Token ids of text that is continued: an EOS that the tokenizer appends is dropped. Throws Error
/// (QUANT_ERR_ARGUMENT) for flags other than QUANT_TEXT_ADD_SPECIAL and QUANT_TEXT_PARSE_SPECIAL.
std::vector<int32_t> prompt_tokens(const Model &model, std::string_view text, uint32_t flags);

/// One thread at a time.
class Session {
public:
    /// `context` 0: the model's own length.
    /// Panels of the model are made for Activations::int8_of_many, which is for generating; they
    /// would be of no use to a session that only runs long pieces of text.
    Session(std::shared_ptr<const Model> model, uint32_t context,
            Activations activations = Activations::int8_of_many, KvTypes kv = {});

    /// The first `length` tokens of `other`, whose keys and values both then read in the same pages, and its adapters.
    /// Throws Error (QUANT_ERR_ARGUMENT) where it has fewer.
    Session(const Session &other, uint32_t length);

    const Model &model() const { return *model_; }
    Activations activations() const { return activations_; }
    uint32_t length() const { return static_cast<uint32_t>(tokens_.size()); }
    uint32_t capacity() const { return cache_.capacity(); }
    const std::vector<int32_t> &tokens() const { return tokens_; }
    void truncate(uint32_t length);

    /// What it runs with from now on. Where that is not what it had, its tokens are forgotten, since keys and values are of
    /// no use then. Throws Error as checked_adapters(), and nothing has changed.
    void set_adapters(AdapterSet adapters);
    const AdapterSet &adapters() const { return adapters_; }

    /// Append and run; the logits of the last `logit_rows` tokens are written. Throws
    /// Error (QUANT_ERR_ARGUMENT, QUANT_ERR_LIMIT), and then nothing was appended.
    void run(std::span<const int32_t> tokens, size_t logit_rows, float *logits);

    /// What run() does, of several sessions at once: weights are read once for all.
    struct Step {
        Session *session;
        std::span<const int32_t> tokens;
        size_t logit_rows;
        float *logits;
    };
    /// Throws Error as run(), naming the step; then nothing was appended to any. Sessions must be different
    /// ones of one model, with the same activations and types of keys and values (QUANT_ERR_ARGUMENT).
    static void run(std::span<const Step> steps);
    /// With the scratch memory of `forward`, made for the same model and activations, instead of the first session's.
    static void run(std::span<const Step> steps, Forward &forward);

    /// From now on, generate() runs up to `most` guesses of `drafter` (nullptr: none) with each token, and keeps
    /// those that it chooses. `most` is at most most_drafted.
    static constexpr uint32_t most_drafted = most_panel_tokens - 1;
    void speculate(std::unique_ptr<Drafter> drafter, uint32_t most);

    /// As quant_generate() says; the options have been checked for size only.
    quant_generate_result generate(const quant_generate_options &options);

private:
    void check(std::span<const int32_t> tokens) const;
    bool turns_all_again(size_t tokens) const;
    void run_guessing(int32_t id, uint32_t more);
    bool take_guess(int32_t id);
    std::span<const float> next_logits() const;
    std::vector<int32_t> tokens_to_run(const quant_generate_options &options, uint32_t &cached);

    std::shared_ptr<const Model> model_;
    Activations activations_;
    KvTypes kv_;
    KvCache cache_;
    Forward forward_;
    std::vector<int32_t> tokens_;
    AdapterSet adapters_;
    bool long_keys_ = false; ///< Keys are rotated by RopeParameters::long_divisors.
    std::unique_ptr<Drafter> drafter_;
    uint32_t most_guesses_ = 0;
    /// Guesses whose keys and values stand behind the sequence already, the logits after the last token and
    /// each of them, and how many of them were chosen.
    std::vector<int32_t> guesses_;
    std::vector<float> logits_;
    size_t taken_ = 0;
    std::vector<int32_t> pending_; ///< The last token generated, when it has not been run: it leads the next prompt.
};

} // namespace quant
