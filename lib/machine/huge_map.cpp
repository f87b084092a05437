#include "machine/huge_map.h"

#include "base/error.h"
#include "machine/huge_buffer.h"
#include "machine/worker_pool.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 // Linux 5.14, newer than the C library's headers.
#endif

namespace quant {

namespace {

// O_NONBLOCK so that a FIFO is refused instead of waited for.
Descriptor open_own(const std::filesystem::path &path, struct stat &info) {
    Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
    if (!fd) fail_errno(errno, "open", path.string());
    if (::fstat(fd.get(), &info) != 0) fail_errno(errno, "stat", path.string());
    if (!S_ISREG(info.st_mode) || info.st_uid != ::geteuid() || (info.st_mode & (S_IWGRP | S_IWOTH)) != 0)
        fail(QUANT_ERR_PERMISSION, "{}: expected a regular file of this user that nobody else may write",
             printable(path.string(), 4096));
    return fd;
}

} // namespace

std::shared_ptr<const HugeMap> HugeMap::open(const std::filesystem::path &path) {
    struct stat info;
    Descriptor fd = open_own(path, info);
    return of(std::move(fd), static_cast<size_t>(info.st_size), path.string());
}

std::shared_ptr<const HugeMap> HugeMap::of(Descriptor file, size_t size, const std::string &name) {
    std::shared_ptr<HugeMap> map(new HugeMap);
    map->file_ = std::move(file);
    if (size == 0) return map;
    if (size > SIZE_MAX / 2) fail(QUANT_ERR_NO_MEMORY, "no address space for {} bytes", size);
    // Room for any start; what stands over at the ends is given back.
    const size_t wanted = (size + huge_page - 1) / huge_page * huge_page;
    void *room = ::mmap(nullptr, wanted + huge_page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) fail_errno(errno, "find address space for", name);
    auto *start = static_cast<std::byte *>(room);
    const size_t before = (huge_page - reinterpret_cast<uintptr_t>(start) % huge_page) % huge_page;
    void *data = ::mmap(start + before, size, PROT_READ, MAP_SHARED | MAP_FIXED, map->file_.get(), 0);
    if (data == MAP_FAILED) {
        const int error = errno;
        ::munmap(start, wanted + huge_page);
        fail_errno(error, "map", name);
    }
    if (before != 0) ::munmap(start, before);
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    const size_t pages = (size + page - 1) / page * page;
    if (const size_t after = wanted + huge_page - before - pages; after != 0) ::munmap(start + before + pages, after);
    map->data_ = static_cast<const std::byte *>(data);
    map->size_ = size;
    (void)::madvise(data, size, MADV_HUGEPAGE); // Only a wish.
    return map;
}

HugeMap::~HugeMap() {
    if (data_) ::munmap(const_cast<std::byte *>(data_), size_);
}

void populate(std::span<const std::span<const std::byte>> mapped, WorkerPool &pool) {
    constexpr size_t piece = size_t{8} << 20;
    const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
    std::vector<std::span<const std::byte>> pieces;
    for (const std::span<const std::byte> bytes : mapped)
        for (size_t at = 0; at < bytes.size(); at += piece)
            pieces.push_back(bytes.subspan(at, std::min(piece, bytes.size() - at)));
    pool.parallel_for(pieces.size(), 1, [&](size_t begin, size_t end, unsigned) {
        for (const std::span<const std::byte> p : std::span(pieces).subspan(begin, end - begin)) {
            const size_t inside = reinterpret_cast<uintptr_t>(p.data()) % page;
            auto *start = const_cast<std::byte *>(p.data()) - inside;
            const size_t length = p.size() + inside;
            if (::madvise(start, length, MADV_POPULATE_READ) == 0) continue;
            for (size_t at = 0; at < length; at += page) (void)*const_cast<const volatile std::byte *>(start + at);
        }
    });
}

} // namespace quant
