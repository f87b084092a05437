#include "machine/huge_buffer.h"

#include "base/error.h"

#include <sys/mman.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>

namespace quant {

namespace {
constexpr size_t huge_page = size_t{2} << 20;
}

HugeBuffer::HugeBuffer(size_t bytes) {
    if (bytes == 0) return;
    const size_t wanted = (bytes + huge_page - 1) / huge_page * huge_page + huge_page;
    void *memory = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        fail(QUANT_ERR_NO_MEMORY, "no memory for {} bytes of weights: {}", bytes, std::strerror(errno));
    // Aligned, so that all of it can be huge pages; what stands over at the ends is given back.
    auto *start = static_cast<std::byte *>(memory);
    const size_t before = (huge_page - reinterpret_cast<uintptr_t>(start) % huge_page) % huge_page;
    mapped_ = wanted - huge_page;
    if (before != 0) ::munmap(start, before);
    if (const size_t after = huge_page - before; after != 0) ::munmap(start + before + mapped_, after);
    data_ = start + before;
    size_ = bytes;
    // Where the system has none to give, ordinary pages serve.
    (void)::madvise(data_, mapped_, MADV_HUGEPAGE);
}

HugeBuffer::HugeBuffer(HugeBuffer &&other) noexcept { *this = std::move(other); }

HugeBuffer &HugeBuffer::operator=(HugeBuffer &&other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

HugeBuffer::~HugeBuffer() {
    if (data_) ::munmap(data_, mapped_);
}

} // namespace quant
