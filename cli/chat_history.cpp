#include "chat_history.h"

#include "failure.h"

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quantctl {

namespace fs = std::filesystem;

namespace {

constexpr size_t most_bytes = 1 << 20, trimmed_bytes = most_bytes / 2, most_entry_bytes = 64 << 10;
constexpr mode_t only_mine = 0600;

// One entry is one line of the file.
std::string escaped(std::string_view entry) {
    std::string out;
    for (const char c : entry) {
        if (c == '\n')
            out += "\\n";
        else if (c == '\\')
            out += "\\\\";
        else
            out += c;
    }
    return out;
}

std::string unescaped(std::string_view line) {
    std::string out;
    for (size_t i = 0; i < line.size(); i++) {
        const bool escape = line[i] == '\\' && i + 1 < line.size();
        if (escape) i++;
        out += escape && line[i] == 'n' ? '\n' : line[i];
    }
    return out;
}

// The file, open and locked. A file that is cut short is replaced by a new one, so that what the lock
// was got for may be none any more.
class LockedFile {
public:
    explicit LockedFile(const std::string &path) : path_(path) {
        do {
            close();
            fd_ = ::open(path.c_str(), O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, only_mine);
            if (fd_ < 0) fail_errno(errno, "open the history", path);
            while (::flock(fd_, LOCK_EX) != 0)
                if (errno != EINTR) fail_errno(errno, "lock the history", path);
        } while (replaced());
        if (S_ISREG(info_.st_mode) && (info_.st_mode & 077) != 0) ::fchmod(fd_, only_mine);
    }
    ~LockedFile() { close(); }
    LockedFile(const LockedFile &) = delete;
    LockedFile &operator=(const LockedFile &) = delete;

    /// False for /dev/null and the like, which keep nothing.
    bool regular() const { return S_ISREG(info_.st_mode); }
    size_t size() const { return static_cast<size_t>(info_.st_size); }

    /// Whole lines from the end, at most so many bytes.
    std::string tail(size_t most) const {
        const size_t begin = size() - std::min(size(), most);
        std::string text(size() - begin, '\0');
        size_t done = 0;
        while (done < text.size()) {
            const ssize_t n = ::pread(fd_, text.data() + done, text.size() - done, static_cast<off_t>(begin + done));
            if (n < 0 && errno == EINTR) continue;
            if (n < 0) fail_errno(errno, "read the history", path_);
            if (n == 0) break;
            done += static_cast<size_t>(n);
        }
        text.resize(done);
        const size_t newline = text.find('\n');
        if (begin != 0) text.erase(0, newline == std::string::npos ? newline : newline + 1);
        return text;
    }

    // In one piece or not at all.
    void append(const std::string &line) const {
        const std::string text = last_byte() == '\n' ? line : '\n' + line;
        const ssize_t n = ::write(fd_, text.data(), text.size());
        if (n == static_cast<ssize_t>(text.size())) return;
        const int why = n < 0 ? errno : ENOSPC;
        if (n > 0 && ::ftruncate(fd_, info_.st_size) != 0) fail_errno(errno, "cut the history", path_);
        fail_errno(why, "write the history", path_);
    }

    void replace(const std::string &text) const {
        const std::string target = fs::canonical(path_).string(); // A link stays one.
        const std::string temporary = fmt::format("{}.{}.part", target, ::getpid());
        const int fd = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, only_mine);
        if (fd < 0) fail_errno(errno, "write the history", temporary);
        errno = ENOSPC; // What a short count means.
        const bool done = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size()) &&
                          ::rename(temporary.c_str(), target.c_str()) == 0;
        const int why = errno;
        ::close(fd);
        if (done) return;
        ::unlink(temporary.c_str());
        fail_errno(why, "write the history", temporary);
    }

private:
    char last_byte() const {
        char c = '\n';
        return size() != 0 && ::pread(fd_, &c, 1, info_.st_size - 1) == 1 ? c : '\n';
    }

    bool replaced() {
        struct stat now {};
        if (::fstat(fd_, &info_) != 0) fail_errno(errno, "look at the history", path_);
        return ::stat(path_.c_str(), &now) != 0 || now.st_ino != info_.st_ino || now.st_dev != info_.st_dev;
    }

    void close() {
        if (fd_ >= 0) ::close(fd_);
        fd_ = -1;
    }

    std::string path_;
    int fd_ = -1;
    struct stat info_ {};
};

fs::path state_folder() {
    const char *state = std::getenv("XDG_STATE_HOME"), *home = std::getenv("HOME");
    if (state && *state == '/') return state;
    return home && *home ? fs::path(home) / ".local/state" : fs::path();
}

} // namespace

ChatHistory::ChatHistory() {
    const fs::path state = state_folder();
    if (!state.empty()) path_ = (state / "libquant" / "history").string();
}

std::vector<std::string> ChatHistory::load(size_t most) const {
    std::vector<std::string> entries;
    if (path_.empty() || ::access(path_.c_str(), F_OK) != 0) return entries;
    const LockedFile file(path_);
    if (!file.regular()) return entries;
    const std::string text = file.tail(most_bytes);
    for (size_t at = 0; at < text.size();) {
        const size_t end = std::min(text.find('\n', at), text.size());
        if (end != at) entries.push_back(unescaped(std::string_view(text).substr(at, end - at)));
        at = end + 1;
    }
    if (entries.size() > most) entries.erase(entries.begin(), entries.end() - static_cast<ptrdiff_t>(most));
    return entries;
}

void ChatHistory::append(const std::string &entry) const {
    if (path_.empty() || entry.empty() || entry.size() > most_entry_bytes) return;
    const fs::path folder = fs::path(path_).parent_path();
    std::error_code error;
    fs::create_directories(folder.parent_path(), error);
    if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST)
        fail_errno(errno, "make a folder for the history", folder.string());
    const LockedFile file(path_);
    if (!file.regular()) return;
    const std::string line = escaped(entry) + '\n';
    if (file.size() + line.size() > most_bytes)
        file.replace(file.tail(trimmed_bytes) + line);
    else
        file.append(line);
}

} // namespace quantctl
