#include "chat_line.h"

#include "failure.h"
#include "interrupt.h"
#include "output.h"
#include "turn_text.h"

#include <cerrno>
#include <unistd.h>
#include <utility>

namespace quantctl {

ChatLine::ChatLine(LineEditor::Completer completer) {
    if (!::isatty(STDIN_FILENO) || !stdout_is_terminal()) return;
    editor_ = std::make_unique<LineEditor>(std::move(completer));
    try {
        for (const std::string &entry : history_.load(LineEditor::most_remembered)) editor_->remember(entry);
    } catch (const Failure &failure) {
        warn("{}; what you type is not kept", failure.what());
        keeps_history_ = false;
    }
}

ChatLine::Event ChatLine::read(std::string &turn) {
    flush_output();
    return editor_ ? read_lines(turn) : read_plain(turn);
}

ChatLine::Event ChatLine::read_lines(std::string &turn) {
    TurnText text;
    for (;;) {
        std::string line;
        const Event event = editor_->read(line, text.begun());
        if (event == Event::interrupted && text.begun()) return Event::abandoned;
        if (event == Event::end && text.begun()) break; // The end of this text, as everywhere.
        if (event != Event::line) return event;
        if (text.add(line)) break;
    }
    keep(text.typed());
    turn = text.text();
    return Event::line;
}

void ChatLine::keep(const std::string &typed) {
    editor_->remember(typed);
    if (!keeps_history_) return;
    try {
        history_.append(typed);
    } catch (const Failure &failure) {
        warn("{}; what you type is not kept", failure.what());
        keeps_history_ = false;
    }
}

ChatLine::Event ChatLine::read_plain(std::string &line) {
    for (;;) {
        const size_t newline = waiting_.find('\n');
        if (newline != std::string::npos) {
            line = waiting_.substr(0, newline);
            waiting_.erase(0, newline + 1);
            return Event::line;
        }
        char buffer[4096];
        const ssize_t n = ::read(STDIN_FILENO, buffer, sizeof buffer);
        if (n > 0) {
            waiting_.append(buffer, static_cast<size_t>(n));
        } else if (n == 0) {
            line = std::exchange(waiting_, "");
            return line.empty() ? Event::end : Event::line;
        } else if (errno != EINTR) {
            fail_errno(errno, "read", "standard input");
        } else if (interrupt::requested()) {
            return Event::interrupted;
        }
    }
}

} // namespace quantctl
