// Lines from a person (libedit, with history) or from a pipe.
#pragma once

#include <memory>
#include <string>

namespace quantctl {

class ChatLine {
public:
    enum class Event { line, end, interrupted };

    ChatLine();
    ~ChatLine();
    ChatLine(const ChatLine &) = delete;
    ChatLine &operator=(const ChatLine &) = delete;

    /// Wait for a line; it comes without its newline.
    Event read(std::string &line);
    /// Whether a person sits there.
    bool editing() const { return editor_ != nullptr; }

private:
    struct Editor;
    Event read_plain(std::string &line);

    std::unique_ptr<Editor> editor_; ///< Only on a terminal.
    std::string waiting_;            ///< Read from a pipe, not yet handed out.
};

} // namespace quantctl
