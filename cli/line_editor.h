// One line from a person at a terminal: libedit, with keys that chats want.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace quantctl {

class LineEditor {
public:
    enum class Event {
        line,
        end,         ///< Ctrl-D on an empty line.
        interrupted, ///< A signal came while the line was empty,
        abandoned    ///< or while it had text, which is gone.
    };
    /// Words that what stands before the cursor may end with instead of its last word.
    using Completer = std::function<std::vector<std::string>(const std::string &before)>;

    explicit LineEditor(Completer completer);
    ~LineEditor();
    LineEditor(const LineEditor &) = delete;
    LineEditor &operator=(const LineEditor &) = delete;

    /// The line comes without its newline, and may have others in it. `goes_on`: it belongs to the one before.
    Event read(std::string &line, bool goes_on);
    /// What the arrow keys bring back, the latest last.
    void remember(const std::string &entry);
    static constexpr int most_remembered = 1000;

    struct Handles; ///< libedit's, for the functions that it calls.

private:
    std::unique_ptr<Handles> handles_;
};

} // namespace quantctl
