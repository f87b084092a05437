// Where generated text goes: kept, and shown as it comes.
#pragma once

#include "progress_bar.h"

#include <exception>
#include <string>
#include <string_view>

namespace quantctl {

struct AnswerStream {
    ProgressBar bar{"reading the prompt", " tok", 0.5};
    std::string text;
    bool show;
    /// No exception may pass through the library, so that one is kept here until the call is over.
    std::exception_ptr failure;

    explicit AnswerStream(bool show_text) : show(show_text) {}
    void receive(std::string_view piece);
};

} // namespace quantctl
