// The leases of this process: a lease is an open connection, and where a daemon dies, its leases are asked for again.
//
// One thread watches all connections; it runs while there are any and takes no signals. The mappings need it not: they
// stay whatever becomes of the daemon. What a new daemon lends must be the same content, by its digest; whether its files
// are the same inodes, so that the machine still holds one copy, is told in a log line. Packed weights are not asked for
// again: they are here, and a daemon need not have made them to lend the files.
#pragma once

#include "client/lent_descriptor.h"

#include <memory>
#include <string>
#include <vector>

namespace quant {

/// What was leased, as it takes to lease it again.
struct LeaseTerms {
    std::string socket, model, digest;
    std::vector<FileIdentity> files; ///< Of the descriptors, in their order.
};

/// One lease; ends with it.
class Lease {
public:
    /// Takes the connection. Throws Error where no thread can be had.
    Lease(LeaseTerms terms, Descriptor connection);
    ~Lease();
    Lease(const Lease &) = delete;
    Lease &operator=(const Lease &) = delete;

private:
    uint64_t number_;
};

} // namespace quant
