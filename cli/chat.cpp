#include "chat.h"

#include "chat_commands.h"
#include "chat_line.h"
#include "failure.h"
#include "interrupt.h"
#include "output.h"

#include <csignal>

namespace quantctl {

namespace {

// Ctrl-C is for what runs; other signals end the program.
void end_unless_ctrl_c() {
    if (interrupt::exit_code() != 128 + SIGINT) interrupt::check();
}

} // namespace

// The user's turn stands at the end. Where no answer comes of it, it is taken back.
void Chat::answer() {
    Conversation &conversation = runner.conversation;
    Generation made;
    try {
        made = runner.generate_answer();
    } catch (...) {
        conversation.take_back();
        throw;
    }
    const bool stopped = interrupt::requested();
    if (!made.text.empty() && made.text.back() != '\n') put("\n");
    flush_output();
    if (made.status == QUANT_OK || (stopped && !made.text.empty())) {
        conversation.answer(made.text, made.reasoning);
        if (!stopped) runner.tell_stop(made.result);
        return;
    }
    conversation.take_back();
    if (stopped) return note("Stopped before the answer began; /retry asks again.");
    if (made.status != QUANT_ERR_LIMIT) check(made, "");
    put_error(made.message,
              "Nothing was cut off. /clear begins anew, /save FILE keeps this before. " + runner.context_hint());
}

void Chat::answer_again() {
    Conversation &conversation = runner.conversation;
    const std::vector<Message> before = conversation.messages();
    if (!conversation.say_again()) return note("There is nothing to answer yet.");
    const quant_sampling &sampling = runner.options.sampling.values;
    if (sampling.temperature == 0 || sampling.seed != 0)
        note("With {} the same text is answered the same each time.",
             sampling.temperature == 0 ? "temperature 0" : fmt::format("seed {}", sampling.seed));
    const auto restore = [&] {
        if (conversation.messages().size() >= before.size()) return;
        conversation.replace(before);
        note("The old answer stays.");
    };
    try {
        answer();
    } catch (...) {
        restore();
        throw;
    }
    restore();
}

void Chat::take(const std::string &line) {
    if (line.empty() || run_chat_command(*this, line)) return;
    runner.conversation.say(line);
    answer();
}

void Chat::run() {
    if (runner.options.as_json) usage_error("run: --json needs a prompt");
    const interrupt::Cooperative cooperative;
    ChatLine lines(complete_chat_command);
    if (lines.editing())
        note("{}{}. /help for help, Ctrl-D to leave.", runner.opened.choice.title(),
             runner.conversation.plain() ? " (no chat template: it continues your text)" : "");
    std::string line;
    while (!leaving_) {
        const ChatLine::Event event = lines.read(line);
        if (event == ChatLine::Event::end) {
            if (lines.editing()) put("\n");
            break;
        }
        if (event != ChatLine::Event::line) {
            if (!lines.editing()) interrupt::check();
            end_unless_ctrl_c();
            put("\n");
            if (event == ChatLine::Event::interrupted) note("(Ctrl-D or /bye leaves.)");
        } else {
            try {
                take(line);
            } catch (const Failure &failure) {
                if (!lines.editing() || !*failure.what()) throw;
                put_error(failure.what(), failure.hint());
            }
            if (interrupt::requested() && !lines.editing()) interrupt::check();
            end_unless_ctrl_c();
        }
        interrupt::clear();
    }
}

} // namespace quantctl
