#include "local_file.h"

#include "failure.h"
#include "interrupt.h"

#include <bit>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace quantctl {

static_assert(std::endian::native == std::endian::little, "float files are little-endian");

namespace {

// A descriptor that is closed at the end of its scope.
class Input {
public:
    explicit Input(const std::string &path) : path_(path) {
        fd_ = path == "-" ? ::dup(STDIN_FILENO) : ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd_ < 0) fail_errno(errno, "open", path);
        if (::fstat(fd_, &info_) != 0 || S_ISDIR(info_.st_mode)) {
            const int why = S_ISDIR(info_.st_mode) ? EISDIR : errno;
            ::close(fd_);
            fail_errno(why, "read", path);
        }
    }
    ~Input() { ::close(fd_); }
    Input(const Input &) = delete;
    Input &operator=(const Input &) = delete;

    bool regular() const { return S_ISREG(info_.st_mode); }
    uint64_t bytes() const { return static_cast<uint64_t>(info_.st_size); }

    // How many of `room` bytes came; 0 at the end.
    size_t read(char *data, size_t room) {
        for (;;) {
            const ssize_t n = ::read(fd_, data, room);
            if (n >= 0) return static_cast<size_t>(n);
            if (errno != EINTR) fail_errno(errno, "read", path_);
            interrupt::check();
        }
    }

    void read_all(char *data, size_t bytes) {
        size_t done = 0;
        while (done < bytes) {
            const size_t n = read(data + done, bytes - done);
            if (n == 0) throw Failure(exit_failure, fmt::format("{}: ended after {} of {} bytes", path_, done, bytes));
            done += n;
        }
    }

    void require_size(uint64_t wanted, std::string_view expected) {
        if (!regular()) usage_error("{}: expected a regular file", path_);
        if (bytes() != wanted)
            usage_error("{}: expected {} bytes ({}), found {}", path_, wanted, expected, bytes());
    }

private:
    const std::string path_;
    int fd_ = -1;
    struct stat info_ {};
};

// The file that a symbolic link leads to, so that the link itself survives.
std::string link_target(const std::string &path) {
    char *real = ::realpath(path.c_str(), nullptr);
    if (!real) return path;
    std::string target = real;
    std::free(real);
    return target;
}

std::string folder_of(const std::string &path) {
    const size_t slash = path.rfind('/');
    return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

} // namespace

std::string read_file(const std::string &path) {
    Input input(path);
    std::string text(input.regular() ? input.bytes() + 1 : size_t{1} << 16, '\0');
    size_t done = 0;
    for (;;) {
        if (done == text.size()) text.resize(text.size() * 2);
        const size_t n = input.read(text.data() + done, text.size() - done);
        if (n == 0) break;
        done += n;
    }
    text.resize(done);
    return text;
}

std::string read_exactly(const std::string &path, uint64_t bytes, std::string_view expected) {
    Input input(path);
    input.require_size(bytes, expected);
    std::string data(bytes, '\0');
    input.read_all(data.data(), data.size());
    return data;
}

std::vector<float> read_floats(const std::string &path, uint64_t count, std::string_view expected) {
    Input input(path);
    input.require_size(count * sizeof(float), expected);
    std::vector<float> values(count);
    input.read_all(reinterpret_cast<char *>(values.data()), count * sizeof(float));
    return values;
}

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
    struct stat info {};
    if (::stat(path_.c_str(), &info) == 0) {
        if (S_ISDIR(info.st_mode)) usage_error("{}: expected the name of a file to write, found a folder", path_);
        if (!S_ISREG(info.st_mode)) {
            fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
            if (fd_ < 0) fail_errno(errno, "open", path_);
            return;
        }
        path_ = link_target(path_);
    }
    const std::string folder = folder_of(path_);
    temporary_ = fmt::format("{}.{}.{}.part", folder, path_.substr(folder.size()), ::getpid());
    interrupt::remember_file(temporary_);
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd_ < 0) {
        const int why = errno;
        interrupt::remember_file("");
        temporary_.clear();
        fail_errno(why, "create a file in its folder", path_);
    }
}

OutputFile::~OutputFile() {
    if (fd_ >= 0) ::close(fd_);
    if (temporary_.empty()) return;
    ::unlink(temporary_.c_str());
    interrupt::remember_file("");
}

void OutputFile::write(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
        if (n >= 0) {
            bytes.remove_prefix(static_cast<size_t>(n));
        } else if (errno != EINTR) {
            fail_errno(errno, "write", path_);
        }
    }
}

void OutputFile::write(std::span<const float> values) {
    write(std::string_view(reinterpret_cast<const char *>(values.data()), values.size_bytes()));
}

void OutputFile::commit() {
    if (temporary_.empty()) return;
    if (::fsync(fd_) != 0) fail_errno(errno, "sync", path_);
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_errno(errno, "rename into place", path_);
    interrupt::remember_file("");
    temporary_.clear();
}

} // namespace quantctl
