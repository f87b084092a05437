#include "base/file_source.h"

#include "base/error.h"

namespace quant {

namespace fs = std::filesystem;

namespace {

// A file that cannot be looked at is none: opening it says why.
class Disk final : public FileSource {
public:
    std::shared_ptr<const MappedFile> map(const fs::path &path) const override { return MappedFile::open(path); }
    bool has_file(const fs::path &path) const override {
        std::error_code ignored;
        const auto kind = fs::status(path, ignored).type();
        return kind != fs::file_type::not_found && kind != fs::file_type::none && kind != fs::file_type::directory;
    }
    bool has_folder(const fs::path &path) const override {
        std::error_code ignored;
        return fs::is_directory(path, ignored);
    }
    std::vector<fs::path> list(const fs::path &folder, size_t most) const override {
        std::vector<fs::path> out;
        std::error_code error;
        for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
            if (out.size() == most)
                fail(QUANT_ERR_LIMIT, "{}: more than {} files in the folder", printable(folder.string(), 4096), most);
            out.push_back(at->path());
        }
        if (error) fail_errno(error.value(), "list", folder.string());
        return out;
    }
};

} // namespace

const FileSource &FileSource::disk() {
    static const Disk disk;
    return disk;
}

std::string FileSource::text(const fs::path &path, uint64_t max_bytes) const {
    const auto file = map(path);
    if (file->bytes().size() > max_bytes)
        fail(QUANT_ERR_LIMIT, "{}: {} bytes, more than the {} allowed", path.string(), file->bytes().size(), max_bytes);
    return std::string(file->text());
}

} // namespace quant
