#include "machine/huge_buffer.h"

#include "base/error.h"
#include "machine/system_files.h"
#include "machine/topology.h"

#include <sys/mman.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <utility>

namespace quant {

HugeBuffer::HugeBuffer(size_t bytes, PageSize pages, std::optional<unsigned> node) {
    if (bytes == 0) return;
    if (bytes > SIZE_MAX / 2) fail(QUANT_ERR_NO_MEMORY, "no memory for {} bytes", bytes);
    const size_t wanted = (bytes + huge_page - 1) / huge_page * huge_page + huge_page;
    void *memory = ::mmap(nullptr, wanted, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        fail(QUANT_ERR_NO_MEMORY, "no memory for {} bytes: {}", bytes, std::strerror(errno));
    // Aligned, so that all of it can be huge pages; what stands over at the ends is given back.
    auto *start = static_cast<std::byte *>(memory);
    const size_t before = (huge_page - reinterpret_cast<uintptr_t>(start) % huge_page) % huge_page;
    mapped_ = wanted - huge_page;
    if (before != 0) ::munmap(start, before);
    if (const size_t after = huge_page - before; after != 0) ::munmap(start + before + mapped_, after);
    data_ = start + before;
    size_ = bytes;
    // Where the system has none to give, ordinary pages serve.
    (void)::madvise(data_, mapped_, pages == PageSize::huge ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
    if (node) bind_memory({data_, mapped_}, *node);
}

HugeBuffer::HugeBuffer(HugeBuffer &&other) noexcept { *this = std::move(other); }

HugeBuffer &HugeBuffer::operator=(HugeBuffer &&other) noexcept {
    std::swap(data_, other.data_);
    std::swap(size_, other.size_);
    std::swap(mapped_, other.mapped_);
    return *this;
}

// /proc/self/smaps: a line "from-to ..." for each mapping, then its numbers in kB.
double huge_share(std::span<const std::byte> bytes) {
    std::ifstream maps("/proc/self/smaps");
    const auto first = reinterpret_cast<uintptr_t>(bytes.data());
    bool ours = false;
    double resident = 0, huge = 0;
    for (std::string line; std::getline(maps, line);) {
        unsigned long from = 0, to = 0, kilobytes = 0;
        if (std::sscanf(line.c_str(), "%lx-%lx", &from, &to) == 2 && line.find(':') > line.find(' ')) {
            ours = from < first + bytes.size() && to > first;
        } else if (ours && std::sscanf(line.c_str(), "Rss: %lu", &kilobytes) == 1) {
            resident += static_cast<double>(kilobytes);
        } else if (ours && (std::sscanf(line.c_str(), "AnonHugePages: %lu", &kilobytes) == 1 ||
                            std::sscanf(line.c_str(), "FilePmdMapped: %lu", &kilobytes) == 1)) {
            huge += static_cast<double>(kilobytes);
        }
    }
    return resident > 0 ? std::min(1.0, huge / resident) : 0;
}

// "madvise" of "always [madvise] never".
std::string huge_page_setting() {
    const std::string line = first_line("/sys/kernel/mm/transparent_hugepage/enabled");
    const size_t from = line.find('['), to = line.find(']');
    return from == std::string::npos || to == std::string::npos ? "unknown" : line.substr(from + 1, to - from - 1);
}

HugeBuffer::~HugeBuffer() {
    if (data_) ::munmap(data_, mapped_);
}

} // namespace quant
