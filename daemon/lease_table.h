// The leases there are: who has which model mapped. A lease holds its model, so that nothing evicts it.
#pragma once

#include "http_request.h"
#include "model_pool.h"

#include <chrono>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace quantd {

/// Threads: any.
class LeaseTable {
public:
    struct Entry {
        std::string id;
        std::shared_ptr<const Resident> resident;
        Peer peer;
        std::chrono::system_clock::time_point since;
    };

    /// A new lease's id.
    std::string add(std::shared_ptr<const Resident> resident, const Peer &peer);
    /// The lease is over. The model is let go on a thread that may block.
    void remove(const std::string &id, ModelPool &pool);
    std::vector<Entry> entries() const;
    /// Of one model.
    std::vector<Entry> entries(const Resident &resident) const;
    /// In Prometheus' text format.
    std::string render_prometheus() const;

private:
    mutable std::mutex mutex_;
    std::map<std::string, Entry> entries_;
    uint64_t ended_ = 0;
};

} // namespace quantd
