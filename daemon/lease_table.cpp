#include "lease_table.h"

#include "new_id.h"

#include <fmt/format.h>

#include <set>

namespace quantd {

std::string LeaseTable::add(std::shared_ptr<const Resident> resident, const Peer &peer) {
    Entry entry{new_id("lease-"), std::move(resident), peer, std::chrono::system_clock::now()};
    const std::lock_guard lock(mutex_);
    const std::string id = entry.id;
    entries_.emplace(id, std::move(entry));
    return id;
}

void LeaseTable::remove(const std::string &id, ModelPool &pool) {
    std::shared_ptr<const Resident> held;
    {
        const std::lock_guard lock(mutex_);
        const auto at = entries_.find(id);
        if (at == entries_.end()) return;
        held = std::move(at->second.resident);
        entries_.erase(at);
        ended_++;
    }
    pool.used(*held); // Until now: its keep-alive time begins.
    pool.post([held = std::move(held)]() mutable { held.reset(); });
}

std::vector<LeaseTable::Entry> LeaseTable::entries() const {
    const std::lock_guard lock(mutex_);
    std::vector<Entry> out;
    for (const auto &[id, entry] : entries_) out.push_back(entry);
    return out;
}

std::vector<LeaseTable::Entry> LeaseTable::entries(const Resident &resident) const {
    std::vector<Entry> out = entries();
    std::erase_if(out, [&](const Entry &e) { return e.resident.get() != &resident; });
    return out;
}

std::string LeaseTable::render_prometheus() const {
    const std::lock_guard lock(mutex_);
    std::set<const Resident *> lent;
    uint64_t bytes = 0;
    for (const auto &[id, entry] : entries_)
        if (lent.insert(entry.resident.get()).second) bytes += entry.resident->lent_bytes;
    return fmt::format("# HELP quantd_leases Leases that clients hold.\n# TYPE quantd_leases gauge\nquantd_leases {}\n"
                       "# HELP quantd_leases_ended_total Leases that are over.\n# TYPE quantd_leases_ended_total counter\n"
                       "quantd_leases_ended_total {}\n"
                       "# HELP quantd_lent_bytes Bytes of what is lent, each once.\n# TYPE quantd_lent_bytes gauge\n"
                       "quantd_lent_bytes {}\n",
                       entries_.size(), ended_, bytes);
}

} // namespace quantd
