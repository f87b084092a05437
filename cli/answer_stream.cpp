#include "answer_stream.h"

#include "failure.h"
#include "output.h"

namespace quantctl {

// Reasoning is for who watches: what reads a pipe gets the answer alone.
AnswerStream::AnswerStream(const quant_model *model, const GenerationRequest &request)
    : show(request.stream), show_reasoning(request.stream && request.shows_reasoning && stdout_is_terminal()) {
    if (!request.splits_reasoning) return;
    const size_t looked_at = request.opens_reasoning ? request.prompt.size() : 0;
    check(quant_reply_parser_new(Out(parser_), model, nullptr, request.prompt.data(), looked_at));
}

void AnswerStream::take(void *user, const quant_reply_event *event) {
    auto &self = *static_cast<AnswerStream *>(user);
    const std::string_view piece(event->text, event->text_bytes);
    try {
        event->kind == QUANT_REPLY_REASONING ? self.show_thought(piece) : self.show_answer(piece);
    } catch (...) {
        self.failure = std::current_exception();
    }
}

void AnswerStream::receive(std::string_view piece) {
    bar.erase();
    if (!parser_) return show_answer(piece);
    check(quant_reply_parser_feed(parser_.get(), piece.data(), piece.size(), take, this));
    if (failure) std::rethrow_exception(failure);
}

void AnswerStream::finish() {
    bar.erase();
    if (parser_) check(quant_reply_parser_finish(parser_.get(), take, this));
    if (failure) std::rethrow_exception(failure);
    // What was cut off within its reasoning ends its line.
    if (thinking_) put("\n"), flush_output(), thinking_ = false;
}

void AnswerStream::show_answer(std::string_view piece) {
    text += piece;
    if (!show || piece.empty()) return;
    if (thinking_) put(reasoning.ends_with('\n') ? "\n" : "\n\n"), thinking_ = false;
    put_shown(piece);
}

void AnswerStream::show_thought(std::string_view piece) {
    reasoning += piece;
    if (!show_reasoning || piece.empty()) return;
    if (!thinking_ && !colour_on(stdout)) put("(thinking) ");
    thinking_ = true;
    put(dim(harmless(piece, true)));
    flush_output();
}

void AnswerStream::put_shown(std::string_view piece) {
    put(stdout_is_terminal() ? harmless(piece, true) : std::string(piece));
    flush_output();
}

} // namespace quantctl
