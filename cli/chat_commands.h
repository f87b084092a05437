// What a line that begins with a slash does at the chat line. One table says what there is.
#pragma once

#include <string>
#include <vector>

namespace quantctl {

class Chat;

/// Whether `line` is a command; then it was run, or the user was told which there are. Text such as a path, which
/// has a second slash, or a slash behind a blank is no command.
bool run_chat_command(Chat &chat, const std::string &line);

/// Commands, settings and topics that the last word of `before` may become.
std::vector<std::string> complete_chat_command(const std::string &before);

} // namespace quantctl
