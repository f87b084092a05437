// The secret that TCP clients bear, from a file that nobody else can read.
#pragma once

#include <filesystem>
#include <string>

namespace quantd {

/// Its only line. Throws SettingsError: not there, readable by others (mode 0600 is expected), too short
/// to be a secret, or with bytes that no header can carry.
std::string read_token(const std::filesystem::path &path);

} // namespace quantd
