// A model with a session and a conversation: what run does its work with.
#pragma once

#include "adapter_choice.h"
#include "conversation.h"
#include "generation.h"
#include "model_opening.h"
#include "sampling_options.h"

#include <string>

namespace quantctl {

struct RunOptions {
    std::string model, draft, prompt, system, activations = "int8";
    OpenChoice open;
    std::vector<AdapterChoice> adapters;
    bool has_prompt = false, raw = false, as_json = false, lookup = false;
    uint32_t max_tokens = 0, context = 0; ///< 0: as the model would have it.
    SamplingOptions sampling;
    TextRules rules;
    quant_session_options session = initialized(quant_session_options_init);
    std::string think = "default"; ///< As set_thinking() takes it.
};

class Runner {
public:
    explicit Runner(RunOptions run_options);

    RunOptions options; ///< Sampling and max_tokens may change between two generations.
    OpenedModel opened, draft;
    OpenedAdapters adapters;
    std::unique_ptr<Generator> generator;
    Conversation conversation;

    /// An answer to the conversation as it is.
    Generation generate_answer() const;
    /// Why the text stops there, where the user did not ask for it, and how long it took.
    void tell_stop(const quant_generate_result &result) const;
    /// "on", "off", "hide" (whatever it reasons is not shown) or "default". A usage error: another word, or the model cannot.
    void set_thinking(const std::string &word);
    /// What can be done about a full context.
    std::string context_hint() const;
    quant_model_info info() const;

private:
    std::unique_ptr<Generator> new_generator() const;
};

} // namespace quantctl
