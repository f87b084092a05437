// Turns from a person at a terminal, with history, or lines from a pipe.
#pragma once

#include "chat_history.h"
#include "line_editor.h"

#include <memory>
#include <string>

namespace quantctl {

class ChatLine {
public:
    using Event = LineEditor::Event;

    explicit ChatLine(LineEditor::Completer completer);

    /// Wait for a turn: from a terminal, all lines of it that belong together; from a pipe, one line. It comes
    /// without its last newline.
    Event read(std::string &turn);
    /// Whether a person sits there.
    bool editing() const { return editor_ != nullptr; }

private:
    Event read_lines(std::string &turn);
    Event read_plain(std::string &line);
    void keep(const std::string &typed);

    std::unique_ptr<LineEditor> editor_; ///< Only on a terminal.
    ChatHistory history_;
    bool keeps_history_ = true;
    std::string waiting_; ///< Read from a pipe, not yet handed out.
};

} // namespace quantctl
