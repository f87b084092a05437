// Files as the library touches them: read-only maps of regular files, and output
// that appears under its final name complete or not at all.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>

namespace quant {

/// A file descriptor that closes itself.
class Descriptor {
public:
    Descriptor() = default;
    explicit Descriptor(int fd) : fd_(fd) {}
    Descriptor(Descriptor &&other) noexcept : fd_(other.release()) {}
    Descriptor &operator=(Descriptor &&other) noexcept;
    ~Descriptor() { reset(); }

    int get() const noexcept { return fd_; }
    explicit operator bool() const noexcept { return fd_ >= 0; }
    int release() noexcept;
    void reset() noexcept;

private:
    int fd_ = -1;
};

/// A regular file mapped read-only, whole. The size is taken once, at open; a
/// parser checks every offset against bytes().size() and so never faults unless
/// somebody cuts the file afterwards. Immutable, so any thread may read it.
class MappedFile {
public:
    /// Throws Error: not found, permission, not a regular file.
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path &path);
    /// The same, and `descriptor` is of the file that is mapped.
    static std::shared_ptr<const MappedFile> open(const std::filesystem::path &path, Descriptor &descriptor);
    /// Bytes that are mapped already and stay so as long as `owner` lives, under the name messages call them by.
    static std::shared_ptr<const MappedFile> borrow(std::filesystem::path path, std::span<const std::byte> bytes,
                                                    std::shared_ptr<const void> owner);
    ~MappedFile();
    MappedFile(const MappedFile &) = delete;
    MappedFile &operator=(const MappedFile &) = delete;

    std::span<const std::byte> bytes() const noexcept { return {data_, size_}; }
    std::string_view text() const noexcept;
    const std::filesystem::path &path() const noexcept { return path_; }

private:
    MappedFile() = default;
    std::filesystem::path path_;
    const std::byte *data_ = nullptr;
    size_t size_ = 0;
    std::shared_ptr<const void> owner_; ///< Of borrowed bytes; else null.
};

/// A regular file that is read in pieces, for what is too large to be held or mapped.
class InputFile {
public:
    /// Throws Error as MappedFile::open() does.
    explicit InputFile(std::filesystem::path path);

    const std::filesystem::path &path() const noexcept { return path_; }
    uint64_t bytes() const noexcept { return bytes_; } ///< At open.
    /// Fill `out` from `offset` on. Throws Error (QUANT_ERR_TRUNCATED) where the file ends before.
    void read_at(uint64_t offset, std::span<std::byte> out) const;

private:
    std::filesystem::path path_;
    Descriptor fd_;
    uint64_t bytes_ = 0;
};

/// A file being written next to its final place. commit() syncs it, renames it
/// over `path` and syncs the folder; without commit() the destructor removes it.
class OutputFile {
public:
    /// `expected_bytes`, when not 0, is checked against the free space first, so
    /// that a full disk is reported before any work is done.
    explicit OutputFile(std::filesystem::path path, uint64_t expected_bytes = 0);
    ~OutputFile();
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;

    /// Append. Throws Error (QUANT_ERR_NO_SPACE names needed and free bytes).
    void write(std::span<const std::byte> bytes);
    void write(std::string_view text) { write(std::as_bytes(std::span(text.data(), text.size()))); }
    /// Append zero bytes up to `position`.
    void pad_to(uint64_t position);
    uint64_t position() const noexcept { return position_; }
    /// Make room for `bytes` in all, zeros where nothing is written; from then on
    /// write_at() is to be used, and nothing else. Throws Error (QUANT_ERR_NO_SPACE).
    void allocate(uint64_t bytes);
    /// Write within what was allocated. Any thread.
    void write_at(uint64_t position, std::span<const std::byte> bytes);
    /// The mode bits it is to have; 0644 less the umask unless told.
    void set_mode(unsigned mode);
    /// The disk may begin with what write_at() brought here, so that the sync at the end
    /// has less to wait for.
    void begin_sync(uint64_t position, uint64_t bytes) noexcept;
    void commit();
    /// As commit(), but the disk need not have it when it gets its name: for what is checked when it is
    /// read and can be made again.
    void commit_unsynced();
    /// As commit(). The SHA-256 of the file, taken while the disk is waited for.
    std::string commit_with_digest();

private:
    void flush();
    void sync();
    void rename_into_place();
    void put_in_place();
    [[noreturn]] void fail_write(int error, uint64_t position) const;
    std::filesystem::path path_, temporary_;
    Descriptor fd_;
    std::string buffer_;
    uint64_t position_ = 0;
    uint64_t expected_ = 0;
};

/// The whole of a small text file. Throws Error (QUANT_ERR_LIMIT over max_bytes).
std::string read_text(const std::filesystem::path &path, uint64_t max_bytes);

} // namespace quant
