// The text a model is given: turns through its chat template, or, for a model
// without one, a text that goes on.
#pragma once

#include "owned_handles.h"

#include <boost/json.hpp>

#include <string>

namespace quantctl {

class Conversation {
public:
    /// `plain`: the text goes on, even where the model has a template.
    Conversation(const quant_model *model, bool plain, std::string system);

    bool plain() const { return plain_; }
    /// The user's turn.
    void say(const std::string &text);
    /// The model's turn.
    void answer(const std::string &text);
    /// Forget the user's last turn, which could not be answered.
    void take_back();
    void clear();

    /// All of it, ready for generation, and the flags it is tokenized with.
    std::string prompt() const;
    uint32_t text_flags() const;

private:
    void add(const char *role, const std::string &text);

    const quant_model *model_;
    bool plain_;
    std::string system_;
    std::string text_, text_before_;  ///< Plain.
    boost::json::array messages_;     ///< Through a template.
};

} // namespace quantctl
