// A conversation as a JSON file: {"schema_version", "model", "messages"}, messages as chat APIs have them.
#pragma once

#include "conversation.h"

#include <string>

namespace quantctl {

/// Write it. A file that is there and is no conversation stays, and is a Failure.
void save_conversation(const Conversation &conversation, const std::string &model, const std::string &path);

/// What the file has takes the place of all turns, and its system message of the one there is. A bare array
/// of messages will do. Nothing changes where the file is no conversation, which a Failure tells.
void load_conversation(Conversation &conversation, const std::string &path);

} // namespace quantctl
