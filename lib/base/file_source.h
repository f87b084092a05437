// Where the files of a model are looked up: on disk, or among those that somebody lent.
#pragma once

#include "base/file.h"

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

namespace quant {

/// Files by path. Threads: any.
class FileSource {
public:
    virtual ~FileSource() = default;

    /// Those of the file system.
    static const FileSource &disk();

    /// Throws Error as MappedFile::open() does.
    virtual std::shared_ptr<const MappedFile> map(const std::filesystem::path &path) const = 0;
    virtual bool has_file(const std::filesystem::path &path) const = 0;
    virtual bool has_folder(const std::filesystem::path &path) const = 0;
    /// What is in a folder, in no order. Throws Error: it cannot be listed; QUANT_ERR_LIMIT over `most`.
    virtual std::vector<std::filesystem::path> list(const std::filesystem::path &folder, size_t most) const = 0;

    /// The whole of a small file. Throws Error (QUANT_ERR_LIMIT over max_bytes).
    std::string text(const std::filesystem::path &path, uint64_t max_bytes) const;
};

} // namespace quant
