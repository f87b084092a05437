// /set: sampling, max_tokens and the system message while a chat goes on.
#pragma once

#include "runner.h"

#include <string>
#include <vector>

namespace quantctl {

std::vector<std::string> chat_setting_names();

/// "NAME VALUE" sets it and says so, "NAME default" as run had it, "NAME" shows it, "" shows all. A usage error
/// names what there is, or the range.
void change_chat_setting(Runner &runner, const std::string &words);

/// All with their values, a line each.
std::string chat_settings_words(const Runner &runner);

} // namespace quantctl
