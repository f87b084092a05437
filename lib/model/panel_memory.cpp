#include "model/panel_memory.h"

#include "base/error.h"
#include "base/log.h"
#include "machine/huge_buffer.h"
#include "machine/memory.h"

#include <memory>
#include <optional>
#include <vector>

namespace quant {

namespace {

using Buffers = std::vector<HugeBuffer>;

// The file's pages can be dropped and read again, panels cannot: where they would not fit,
// slower is better than killed. Null then.
std::shared_ptr<Buffers> take_memory(const std::vector<uint64_t> &bytes, const WorkerLayout &workers,
                                     const std::string &model) {
    uint64_t total = 0;
    for (const uint64_t b : bytes) total += b;
    std::string why;
    if (const uint64_t available = available_memory(); total > available / 10 * 9) {
        why = fmt::format("{} bytes are available", available);
    } else {
        try {
            auto out = std::make_shared<Buffers>();
            for (size_t g = 0; g < bytes.size(); g++)
                out->emplace_back(bytes[g], PageSize::huge,
                                  workers.bound() ? std::optional(workers.groups[g].node) : std::nullopt);
            return out;
        } catch (const Error &e) {
            why = e.what();
        }
    }
    log(QUANT_LOG_WARNING, "{}: no panels for generating, which would take {} bytes{}, since {}; the file is read as it "
        "lies, which is slower", model, total,
        workers.numa.policy == NumaPolicy::mirror ? fmt::format(" for {} mirrors", bytes.size()) : "", why);
    return nullptr;
}

// Panels as the file has them, for files in pages of 2 MiB: the first token of 0.67 GB of Q4_K_M came after 0.8 s (0.76 to
// 0.95), where copying took as long as packing, 2 s and more, and generating was as fast from both. From pages of 4
// KiB a busy machine streamed 5.2 GB/s instead of 6.9, for every token: then a copy is the lesser evil.
void use_pack(std::span<const PanelMatrix> matrices, const PackPlan &plan, const std::shared_ptr<const PackFile> &pack) {
    for (size_t i = 0; i < matrices.size(); i++)
        if (plan.entries[i].bytes != 0)
            *matrices[i].matrix = matrices[i].matrix->with_ready_panels(pack->panels(plan, i), pack);
}

// In memory of ours: packed, or copied from a pack.
void fill_memory(std::span<const PanelMatrix> matrices, const std::shared_ptr<Buffers> &memory, const PackPlan &plan,
                 const PackFile *pack, WorkerPool &pool) {
    const size_t groups = memory->size();
    std::vector<uint64_t> used(groups);
    for (size_t i = 0; i < matrices.size(); i++) {
        PackedMatrix &m = *matrices[i].matrix;
        if (m.panel_bytes() == 0) continue;
        std::vector<std::span<std::byte>> places(groups);
        for (size_t g = 0; g < groups; g++) {
            const uint64_t wanted = m.panel_bytes(pool.layout(), g);
            places[g] = (*memory)[g].bytes().subspan(used[g], wanted);
            used[g] += wanted;
        }
        m = m.with_panels(places, memory, pool, pack ? pack->panels(plan, i) : std::span<const std::byte>());
    }
}

} // namespace

bool add_panels(std::span<const PanelMatrix> matrices, const std::string &model, WorkerPool &pool,
                const PackPlace *place) {
    const WorkerLayout &workers = pool.layout();
    PackPlan plan;
    std::shared_ptr<const PackFile> pack;
    if (place) plan = plan_pack(place->origin, matrices);
    const bool keeps = place && plan.data_bytes != 0;
    if (keeps) pack = place->cache.find(plan, pool);
    const bool mapped = pack && !workers.bound() && pack->in_huge_pages();
    if (pack)
        log(QUANT_LOG_INFO, "{}: panels from the pack {}, {}", model, place->cache.path_of(plan).string(),
            mapped ? "mapped" : "copied");
    if (mapped) {
        use_pack(matrices, plan, pack);
        return true;
    }
    std::vector<uint64_t> bytes(workers.groups.size());
    for (const PanelMatrix &m : matrices)
        for (size_t g = 0; g < bytes.size(); g++) bytes[g] += m.matrix->panel_bytes(workers, g);
    const auto memory = take_memory(bytes, workers, model);
    if (!memory) return false;
    fill_memory(matrices, memory, plan, pack.get(), pool);
    if (keeps && !pack) place->cache.keep(plan, matrices, pool);
    return true;
}

} // namespace quant
