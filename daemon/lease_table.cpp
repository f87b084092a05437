#include "lease_table.h"

#include "new_id.h"
#include "prometheus.h"

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
    std::string out;
    append_metric(out, "quantd_leases", "gauge", "Leases that clients hold.", entries_.size());
    append_metric(out, "quantd_leases_ended_total", "counter", "Leases that are over.", ended_);
    append_metric(out, "quantd_lent_bytes", "gauge", "Bytes of what is lent, each once.", bytes);
    return out;
}

} // namespace quantd
