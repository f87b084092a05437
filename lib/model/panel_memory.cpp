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

} // namespace

bool add_panels(std::span<PackedMatrix *const> matrices, const std::string &model, WorkerPool &pool) {
    const WorkerLayout &workers = pool.layout();
    const size_t groups = workers.groups.size();
    std::vector<uint64_t> bytes(groups);
    for (const PackedMatrix *m : matrices)
        for (size_t g = 0; g < groups; g++) bytes[g] += m->panel_bytes(workers, g);
    const auto memory = take_memory(bytes, workers, model);
    if (!memory) return false;
    std::vector<uint64_t> used(groups);
    for (PackedMatrix *m : matrices) {
        if (m->panel_bytes() == 0) continue;
        std::vector<std::span<std::byte>> places(groups);
        for (size_t g = 0; g < groups; g++) {
            const uint64_t wanted = m->panel_bytes(workers, g);
            places[g] = (*memory)[g].bytes().subspan(used[g], wanted);
            used[g] += wanted;
        }
        *m = m->with_panels(places, memory, pool);
    }
    return true;
}

} // namespace quant
