// Sealed memory is a memfd with F_SEAL_SHRINK, GROW, WRITE and SEAL: who has a descriptor of one without could open it
// again through /proc for writing, and cut it under the eyes of those who have it mapped. A file of the cache lies in
// a folder of mode 0700 and is never written again once it has its name; it outlives the process that made it, so that
// the next one lends the same inode.
#include "model/lent_pack.h"

#include "base/error.h"
#include "base/log.h"
#include "machine/huge_buffer.h"
#include "machine/memory.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstring>

namespace quant {

namespace {

constexpr int all_seals = F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL;

/// Shared memory while it is written.
class Writable {
public:
    Writable(int fd, size_t bytes) : bytes_(bytes) {
        data_ = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (data_ == MAP_FAILED) fail_errno(errno, "map", "memory for a pack");
        (void)::madvise(data_, bytes, MADV_HUGEPAGE); // Only a wish.
    }
    ~Writable() { ::munmap(data_, bytes_); }
    Writable(const Writable &) = delete;
    Writable &operator=(const Writable &) = delete;
    std::byte *data() const { return static_cast<std::byte *>(data_); }

private:
    void *data_;
    size_t bytes_;
};

std::shared_ptr<const HugeMap> pack_in_memory(const PackPlan &plan, std::span<const PanelMatrix> matrices,
                                              WorkerPool &pool) {
    const uint64_t bytes = plan.file_bytes();
    if (const uint64_t available = available_memory(); bytes > available / 10 * 9)
        fail(QUANT_ERR_NO_MEMORY, "it takes {} bytes and {} are available", bytes, available);
    Descriptor fd(::memfd_create("quant-pack", MFD_CLOEXEC | MFD_ALLOW_SEALING));
    if (!fd) fail_errno(errno, "make", "memory for a pack");
    // Reserved, so that no write to it can fail.
    if (::ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0 || ::fallocate(fd.get(), 0, 0, static_cast<off_t>(bytes)) != 0)
        fail(QUANT_ERR_NO_MEMORY, "no memory for {} bytes: {}", bytes, std::strerror(errno));
    {
        const Writable memory(fd.get(), bytes);
        make_pack(plan, matrices, pool, [&](uint64_t at, std::span<const std::byte> piece) {
            std::memcpy(memory.data() + at, piece.data(), piece.size());
        });
    }
    if (::fcntl(fd.get(), F_ADD_SEALS, all_seals) != 0) fail_errno(errno, "seal", "memory of a pack");
    return HugeMap::of(std::move(fd), bytes, "memory of a pack");
}

void use_panels(std::span<const PanelMatrix> matrices, const PackPlan &plan, const std::shared_ptr<const PackFile> &pack) {
    for (size_t i = 0; i < matrices.size(); i++)
        if (plan.entries[i].bytes != 0)
            *matrices[i].matrix = matrices[i].matrix->with_ready_panels(pack->panels(plan, i), pack);
}

} // namespace

bool lend_panels(std::span<const PanelMatrix> matrices, const std::string &model, WorkerPool &pool,
                 const PackPlace *place, LentPack &lent) {
    if (pool.layout().bound()) {
        log(QUANT_LOG_INFO, "{}: its panels lie on their workers' memory nodes, so files alone are lent", model);
        return false;
    }
    lent.origin = place ? place->origin : "in memory\n";
    PackPlan plan = plan_pack(lent.origin, matrices);
    if (plan.data_bytes == 0) return false;
    try {
        if (place) lent.pack = place->cache.find_or_make(plan, matrices, pool);
        lent.sealed = !lent.pack;
        if (!lent.pack) lent.pack = PackFile::of(pack_in_memory(plan, matrices, pool), model, plan, nullptr);
    } catch (const Error &e) {
        log(QUANT_LOG_WARNING, "{}: no pack is lent: {}", model, e.what());
        return false;
    }
    use_panels(matrices, plan, lent.pack);
    log(QUANT_LOG_INFO, "{}: {} bytes of panels to lend, {}", model, plan.file_bytes(),
        lent.sealed ? "in sealed memory" : "from " + place->cache.path_of(plan).string());
    return true;
}

bool borrow_panels(std::span<const PanelMatrix> matrices, const std::string &model, WorkerPool &pool,
                   const BorrowedPack &pack) {
    if (pool.layout().bound()) {
        log(QUANT_LOG_INFO, "{}: the pack that was lent is not used, since workers are bound to memory nodes", model);
        return false;
    }
    const PackPlan plan = plan_pack(pack.origin, matrices);
    if (plan.data_bytes == 0) {
        log(QUANT_LOG_INFO, "{}: the pack that was lent is not used: the tier that runs here has no panels", model);
        return false;
    }
    try {
        use_panels(matrices, plan, PackFile::of(pack.map, pack.name, plan, pack.verify ? &pool : nullptr));
        return true;
    } catch (const Error &e) {
        log(QUANT_LOG_WARNING, "{}: the pack that was lent is not used: {}", model, e.what());
        return false;
    }
}

} // namespace quant
