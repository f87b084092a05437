// Files mapped so that they can lie in pages of 2 MiB, as HugeBuffer's memory does: where the file system keeps
// them in such pages, which depends on how they were written.
#pragma once

#include "base/file.h"

#include <cstddef>
#include <filesystem>
#include <memory>
#include <span>
#include <string>

namespace quant {

class WorkerPool;

/// A file mapped read-only, whole, at a multiple of 2 MiB. Immutable.
class HugeMap {
public:
    /// A regular file of this user's that nobody else may write. Throws Error: not found, permission, not such a file.
    static std::shared_ptr<const HugeMap> open(const std::filesystem::path &path);
    /// Of a descriptor that the caller has looked at: so many bytes, which must be there. `name` is for messages.
    static std::shared_ptr<const HugeMap> of(Descriptor file, size_t bytes, const std::string &name);
    ~HugeMap();
    HugeMap(const HugeMap &) = delete;
    HugeMap &operator=(const HugeMap &) = delete;

    std::span<const std::byte> bytes() const { return {data_, size_}; }
    /// Of what is mapped.
    int descriptor() const { return file_.get(); }

private:
    HugeMap() = default;
    Descriptor file_;
    const std::byte *data_ = nullptr;
    size_t size_ = 0;
};

/// Has the system map all pages of mapped files now, reading what is not in memory yet, by all workers: who reads
/// them later waits for no page. Where that fails, pages come when they are read, as ever.
void populate(std::span<const std::span<const std::byte>> mapped, WorkerPool &pool);

} // namespace quant
