// The lines that were typed at the chat line, kept for the next time. Several programs may add to the
// file at once.
#pragma once

#include <string>
#include <vector>

namespace quantctl {

class ChatHistory {
public:
    /// libquant/history in $XDG_STATE_HOME, or in ~/.local/state. Without either, nothing is kept.
    ChatHistory();

    /// The latest, at most `most`, oldest first. Throws Failure.
    std::vector<std::string> load(size_t most) const;
    /// Adds one, which may have several lines. Throws Failure.
    void append(const std::string &entry) const;

private:
    std::string path_; ///< "": nothing is kept.
};

} // namespace quantctl
