#include "model/lendable_files.h"

namespace quant {

std::shared_ptr<const MappedFile> LendableFiles::map(const std::filesystem::path &path) const {
    const std::lock_guard lock(mutex_);
    for (const Opened &o : opened_)
        if (o.file->path() == path) return o.file;
    Opened opened;
    opened.file = MappedFile::open(path, opened.descriptor);
    opened_.push_back(std::move(opened));
    return opened_.back().file;
}

} // namespace quant
