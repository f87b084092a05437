// The files of a model that is to be lent: read from disk, and a descriptor kept of each that was.
#pragma once

#include "base/file_source.h"

#include <mutex>
#include <vector>

namespace quant {

class LendableFiles final : public FileSource {
public:
    struct Opened {
        std::shared_ptr<const MappedFile> file;
        Descriptor descriptor;
    };

    std::shared_ptr<const MappedFile> map(const std::filesystem::path &path) const override;
    bool has_file(const std::filesystem::path &path) const override { return disk().has_file(path); }
    bool has_folder(const std::filesystem::path &path) const override { return disk().has_folder(path); }
    std::vector<std::filesystem::path> list(const std::filesystem::path &folder, size_t most) const override {
        return disk().list(folder, most);
    }

    /// What was mapped, in that order. Once the model is open, that is all.
    const std::vector<Opened> &opened() const { return opened_; }

private:
    mutable std::mutex mutex_;
    mutable std::vector<Opened> opened_;
};

} // namespace quant
