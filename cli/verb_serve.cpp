// quantctl serve: quantd in the foreground, with its own options.
#include "failure.h"
#include "output.h"
#include "verb.h"

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <unistd.h>

namespace quantctl {

namespace {

namespace fs = std::filesystem;

bool is_program(const fs::path &path) {
    std::error_code ignored;
    return fs::is_regular_file(path, ignored) && ::access(path.c_str(), X_OK) == 0;
}

std::vector<fs::path> folders_to_search() {
    std::vector<fs::path> folders;
    std::error_code error;
    const fs::path own = fs::read_symlink("/proc/self/exe", error).parent_path();
    if (!error) folders = {own, own.parent_path() / "libexec", own.parent_path() / "libexec" / "libquant"};
    const char *path = std::getenv("PATH");
    std::string_view rest = path ? path : "";
    while (!rest.empty()) {
        const size_t colon = std::min(rest.find(':'), rest.size());
        if (colon != 0) folders.emplace_back(rest.substr(0, colon));
        rest.remove_prefix(std::min(colon + 1, rest.size()));
    }
    return folders;
}

std::string find_quantd() {
    std::string searched;
    for (const fs::path &folder : folders_to_search()) {
        if (is_program(folder / "quantd")) return (folder / "quantd").string();
        searched += (searched.empty() ? "" : ", ") + folder.string();
    }
    throw Failure(exit_not_found, "there is no quantd, neither beside quantctl nor in PATH",
                  "Searched: " + searched + ".");
}

bool names_socket(const std::vector<std::string> &words) {
    for (const std::string &word : words)
        if (word == "--socket" || word.starts_with("--socket=")) return true;
    return std::getenv("QUANTD_SOCKET") != nullptr;
}

// Becomes quantd, so that signals and the exit status are the daemon's.
void serve(std::vector<std::string> words) {
    const std::string program = find_quantd();
    // Where the other verbs look for it.
    const char *socket = std::getenv("QUANT_SOCKET");
    if (socket && *socket && !names_socket(words)) words.insert(words.begin(), {"--socket", socket});
    words.insert(words.begin(), program);
    std::vector<char *> arguments;
    for (std::string &word : words) arguments.push_back(word.data());
    arguments.push_back(nullptr);
    for (const int number : {SIGPIPE, SIGXFSZ}) std::signal(number, SIG_DFL); // What is ignored would stay so.
    ::execv(program.c_str(), arguments.data());
    fail_errno(errno, "run", program);
}

} // namespace

Action add_serve(CLI::App &app) {
    app.prefix_command();
    app.description("Run quantd in the foreground; all words are its own options, such as --tcp, see quantd --help");
    return [&app] { serve(app.remaining()); };
}

} // namespace quantctl
