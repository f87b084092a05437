#include "token_file.h"

#include "settings.h"

#include "base/error.h"
#include "base/file.h"

#include <fmt/format.h>

#include <sys/stat.h>

#include <algorithm>

namespace quantd {

namespace {

constexpr size_t shortest_token = 16, longest_token = 512;

} // namespace

std::string read_token(const std::filesystem::path &path) {
    const auto refuse = [&](const char *why) { return SettingsError(fmt::format("{}: {}", path.string(), why)); };
    std::string token;
    try {
        token = quant::read_text(path, 2 * longest_token);
    } catch (const quant::Error &error) {
        throw SettingsError(error.what());
    }
    struct stat info;
    if (::stat(path.c_str(), &info) != 0 || (info.st_mode & 0077) != 0)
        throw refuse("a token that others can read is no secret; expected mode 0600");
    while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) token.pop_back();
    if (token.size() < shortest_token) throw refuse("expected a token of 16 characters or more");
    if (token.size() > longest_token) throw refuse("expected a token of 512 characters or less");
    if (!std::all_of(token.begin(), token.end(), [](char c) { return c > 0x20 && c < 0x7f; }))
        throw refuse("expected a token of printable ASCII characters in one line");
    return token;
}

} // namespace quantd
