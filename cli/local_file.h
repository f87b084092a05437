// Files that the plumbing verbs read and write. Output appears under its name
// complete or not at all.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace quantctl {

/// All bytes of a file, a pipe, or standard input ("-").
std::string read_file(const std::string &path);

/// `bytes` bytes of a file that must have exactly so many; told from its size
/// before anything is allocated. `expected` says in words why it must.
std::string read_exactly(const std::string &path, uint64_t bytes, std::string_view expected);

/// `count` float32 values of a file that holds exactly so many.
std::vector<float> read_floats(const std::string &path, uint64_t count, std::string_view expected);

/// A file being written under a temporary name in its folder. Devices and pipes are
/// written to directly, since renaming onto them would replace them.
class OutputFile {
public:
    explicit OutputFile(std::string path);
    ~OutputFile();
    OutputFile(const OutputFile &) = delete;
    OutputFile &operator=(const OutputFile &) = delete;

    void write(std::string_view bytes);
    void write(std::span<const float> values);
    /// Sync, and give it its name.
    void commit();

private:
    std::string path_, temporary_;
    int fd_ = -1;
};

} // namespace quantctl
