// The text a model is given: turns through its chat template, or, for a model
// without one, a text that goes on.
#pragma once

#include "owned_handles.h"

#include <optional>
#include <string>
#include <vector>

namespace quantctl {

struct Message {
    std::string role, content;  ///< role: "user" or "assistant".
    std::string reasoning = {}; ///< Of an assistant's, before it; often empty.
};

class Conversation {
public:
    /// `plain`: the text goes on, even where the model has a template.
    Conversation(const quant_model *model, bool plain, const std::string &system);

    bool plain() const { return plain_; }
    /// "": none. A usage error where there is no template to put it into.
    void set_system(const std::string &text);
    const std::string &system() const { return system_; }
    const std::vector<Message> &messages() const { return messages_; }
    /// The turns of another conversation instead of these. A last one of the user waits for an answer.
    void replace(std::vector<Message> messages);

    /// The user's turn.
    void say(const std::string &text);
    /// The model's turn.
    void answer(const std::string &text, const std::string &reasoning);
    /// Whether the template is told to have it reason, or not to; not at all where there is no word of it. A usage error
    /// where the template cannot be told.
    void set_thinking(std::optional<bool> on);
    /// Undo the user's last turn, which could not be answered; say_again() says it once more.
    void take_back();
    /// Have the last turn of the user at the end, without an answer. False where there is none.
    bool say_again();
    /// Forget all turns. The system message stays.
    void clear();

    /// All of it, ready for generation, and the flags it is tokenized with.
    std::string prompt() const;
    uint32_t text_flags() const;
    /// Tokens of the turns so far.
    size_t tokens() const;

private:
    std::string text() const;
    std::string rendered(bool opens_answer) const;

    const quant_model *model_;
    bool plain_, has_template_;
    std::string system_;
    std::vector<Message> messages_;
    std::string unanswered_; ///< Taken back.
    std::optional<bool> thinking_;
};

} // namespace quantctl
