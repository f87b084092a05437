#include "base/file.h"

#include "base/error.h"
#include "base/sha256.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <future>
#include <utility>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr size_t write_buffer_bytes = 1 << 20;

// O_NONBLOCK so that a FIFO or a device is refused instead of waited for.
Descriptor open_regular(const fs::path &path, struct stat &info) {
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    if (!fd) fail_errno(errno, "open", path.string());
    if (::fstat(fd.get(), &info) != 0) fail_errno(errno, "stat", path.string());
    if (!S_ISREG(info.st_mode))
        fail(QUANT_ERR_ARGUMENT, "{}: expected a regular file, found {}", printable(path.string(), 4096),
             S_ISDIR(info.st_mode) ? "a folder" : "something else");
    return fd;
}

void sync_folder(const fs::path &folder) {
    Descriptor fd(::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (fd) ::fsync(fd.get());
}

uint64_t free_bytes(const fs::path &folder) {
    struct statvfs info;
    if (::statvfs(folder.empty() ? "." : folder.c_str(), &info) != 0) return UINT64_MAX;
    return uint64_t{info.f_bavail} * info.f_frsize;
}

// Says that the file is being written, for remove_leftovers(). False: that was quicker, and it is gone.
bool hold(int fd) {
    struct stat info;
    // Where there are no locks, leftovers stay, too.
    return ::flock(fd, LOCK_EX) != 0 || ::fstat(fd, &info) != 0 || info.st_nlink != 0;
}

} // namespace

Descriptor &Descriptor::operator=(Descriptor &&other) noexcept {
    if (this != &other) {
        reset();
        fd_ = other.release();
    }
    return *this;
}

int Descriptor::release() noexcept { return std::exchange(fd_, -1); }

void Descriptor::reset() noexcept {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
}

std::shared_ptr<const MappedFile> MappedFile::open(const fs::path &path) {
    Descriptor closed;
    return open(path, closed);
}

std::shared_ptr<const MappedFile> MappedFile::open(const fs::path &path, Descriptor &descriptor) {
    struct stat info;
    descriptor = open_regular(path, info);
    std::shared_ptr<MappedFile> file(new MappedFile);
    file->path_ = path;
    file->size_ = static_cast<size_t>(info.st_size);
    if (file->size_ == 0) return file;
    void *data = ::mmap(nullptr, file->size_, PROT_READ, MAP_SHARED, descriptor.get(), 0);
    if (data == MAP_FAILED) {
        file->size_ = 0;
        fail_errno(errno, "map", path.string());
    }
    file->data_ = static_cast<const std::byte *>(data);
    return file;
}

std::shared_ptr<const MappedFile> MappedFile::borrow(fs::path path, std::span<const std::byte> bytes,
                                                     std::shared_ptr<const void> owner) {
    std::shared_ptr<MappedFile> file(new MappedFile);
    file->path_ = std::move(path);
    file->data_ = bytes.data(), file->size_ = bytes.size();
    file->owner_ = std::move(owner);
    return file;
}

MappedFile::~MappedFile() {
    if (size_ != 0 && !owner_) ::munmap(const_cast<std::byte *>(data_), size_);
}

std::string_view MappedFile::text() const noexcept {
    return {reinterpret_cast<const char *>(data_), size_};
}

InputFile::InputFile(fs::path path) : path_(std::move(path)) {
    struct stat info;
    fd_ = open_regular(path_, info);
    bytes_ = static_cast<uint64_t>(info.st_size);
}

void InputFile::read_at(uint64_t offset, std::span<std::byte> out) const {
    while (!out.empty()) {
        const ssize_t n = ::pread(fd_.get(), out.data(), out.size(), static_cast<off_t>(offset));
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_errno(errno, "read", path_.string());
        if (n == 0)
            fail(QUANT_ERR_TRUNCATED, "{}: ends at {} bytes, expected {}", printable(path_.string(), 4096), offset,
                 bytes_);
        out = out.subspan(static_cast<size_t>(n));
        offset += static_cast<uint64_t>(n);
    }
}

OutputFile::OutputFile(fs::path path, uint64_t expected_bytes)
    : path_(std::move(path)), expected_(expected_bytes) {
    const fs::path folder = path_.parent_path();
    // A rename would put a file in the place of a device or a link's target.
    std::error_code ignored;
    if (fs::exists(path_, ignored) && !fs::is_regular_file(path_, ignored))
        fail(QUANT_ERR_ARGUMENT, "{}: the output is there already and is no regular file", path_.string());
    if (const uint64_t room = free_bytes(folder); expected_bytes > room)
        fail(QUANT_ERR_NO_SPACE, "{}: needs {} bytes, but only {} are free there", path_.string(), expected_bytes,
             room);
    do {
        static std::atomic<unsigned> counter{0};
        temporary_ = folder / fmt::format(".{}.{}.{}.part", path_.filename().string(), ::getpid(), counter++);
        fd_ = Descriptor(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
        if (!fd_) fail_errno(errno, "create a file in its folder", path_.string());
    } while (!hold(fd_.get()));
    buffer_.reserve(write_buffer_bytes);
}

OutputFile::~OutputFile() {
    if (fd_) ::unlink(temporary_.c_str());
}

void OutputFile::write(std::span<const std::byte> bytes) {
    position_ += bytes.size();
    const char *data = reinterpret_cast<const char *>(bytes.data());
    size_t left = bytes.size();
    while (left != 0) {
        const size_t take = std::min(left, write_buffer_bytes - buffer_.size());
        buffer_.append(data, take);
        data += take;
        left -= take;
        if (buffer_.size() == write_buffer_bytes) flush();
    }
}

void OutputFile::fail_write(int error, uint64_t position) const {
    if (error == ENOSPC || error == EDQUOT || error == EFBIG)
        fail(QUANT_ERR_NO_SPACE, "{}: the disk is full after {} bytes{}", path_.string(), position,
             expected_ ? fmt::format(" of {}", expected_) : "");
    fail_errno(error, "write", path_.string());
}

void OutputFile::flush() {
    size_t done = 0;
    while (done < buffer_.size()) {
        const ssize_t n = ::write(fd_.get(), buffer_.data() + done, buffer_.size() - done);
        if (n >= 0) done += static_cast<size_t>(n);
        else if (errno != EINTR) fail_write(errno, position_ - (buffer_.size() - done));
    }
    buffer_.clear();
}

void OutputFile::allocate(uint64_t bytes) {
    // Where the file system cannot reserve, the file is sparse until it is written.
    if (::fallocate(fd_.get(), 0, 0, static_cast<off_t>(bytes)) == 0) return;
    if (errno == ENOSPC || errno == EDQUOT || errno == EFBIG) fail_write(errno, 0);
    if (::ftruncate(fd_.get(), static_cast<off_t>(bytes)) != 0) fail_write(errno, 0);
}

void OutputFile::write_at(uint64_t position, std::span<const std::byte> bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        const auto at = static_cast<off_t>(position + done);
        const ssize_t n = ::pwrite(fd_.get(), bytes.data() + done, bytes.size() - done, at);
        if (n >= 0) done += static_cast<size_t>(n);
        else if (errno != EINTR) fail_write(errno, position + done);
    }
}

void OutputFile::begin_sync(uint64_t position, uint64_t bytes) noexcept {
    // Only a hint: what it cannot do, the sync at the end does and reports.
    ::sync_file_range(fd_.get(), static_cast<off_t>(position), static_cast<off_t>(bytes), SYNC_FILE_RANGE_WRITE);
}

void OutputFile::pad_to(uint64_t position) {
    static constexpr std::byte zeros[4096] = {};
    while (position_ < position)
        write(std::span(zeros, std::min<uint64_t>(sizeof zeros, position - position_)));
}

void OutputFile::set_mode(unsigned mode) {
    if (::fchmod(fd_.get(), static_cast<mode_t>(mode)) != 0) fail_errno(errno, "set the mode of", path_.string());
}

void OutputFile::sync() {
    if (::fsync(fd_.get()) != 0) fail_errno(errno, "sync", path_.string());
}

void OutputFile::commit() {
    flush();
    sync();
    put_in_place();
}

std::string OutputFile::commit_with_digest() {
    flush();
    auto synced = std::async(std::launch::async, [this] { sync(); });
    std::string digest = sha256_of_file(temporary_);
    synced.get();
    put_in_place();
    return digest;
}

void OutputFile::commit_unsynced() {
    flush();
    rename_into_place();
}

void OutputFile::rename_into_place() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_errno(errno, "rename into place", path_.string());
    fd_.reset();
}

void OutputFile::put_in_place() {
    rename_into_place();
    sync_folder(path_.parent_path());
}

std::string read_text(const fs::path &path, uint64_t max_bytes) {
    struct stat info;
    const Descriptor fd = open_regular(path, info);
    if (static_cast<uint64_t>(info.st_size) > max_bytes)
        fail(QUANT_ERR_LIMIT, "{}: {} bytes, more than the {} allowed", path.string(), info.st_size, max_bytes);
    std::string text(static_cast<size_t>(info.st_size), '\0');
    size_t done = 0;
    while (done < text.size()) {
        const ssize_t n = ::read(fd.get(), text.data() + done, text.size() - done);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) fail_errno(errno, "read", path.string());
        if (n == 0) break;
        done += static_cast<size_t>(n);
    }
    text.resize(done);
    return text;
}

} // namespace quant
