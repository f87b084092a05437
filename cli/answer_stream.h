// Where generated text goes: kept, and shown as it comes, reasoning apart from the answer.
#pragma once

#include "generation.h"
#include "progress_bar.h"

#include <exception>
#include <string>
#include <string_view>

namespace quantctl {

struct AnswerStream {
    ProgressBar bar{"reading the prompt", " tok", 0.5};
    std::string text, reasoning;
    bool show, show_reasoning;
    /// No exception may pass through the library, so that one is kept here until the call is over.
    std::exception_ptr failure;

    /// Throws Failure.
    AnswerStream(const quant_model *model, const GenerationRequest &request);
    void receive(std::string_view piece);
    /// No more comes.
    void finish();

private:
    static void take(void *user, const quant_reply_event *event);
    void show_answer(std::string_view piece);
    void show_thought(std::string_view piece);
    void put_shown(std::string_view piece);

    ReplyParserHandle parser_; ///< Null: all of it is the answer.
    bool thinking_ = false;    ///< What was shown last is reasoning.
};

} // namespace quantctl
