// A descriptor that came from a daemon: looked at before it is mapped.
#pragma once

#include "base/file.h"

#include <boost/interprocess/mapped_region.hpp>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace quant {

/// Which file it is: device and inode.
using FileIdentity = std::pair<uint64_t, uint64_t>;

/// Sees that it is a regular file of exactly so many bytes that nobody can cut while it is mapped: memory with its seals,
/// or a file of the daemon's user, of this process's or root's that neither group nor others may write. Throws Error
/// (QUANT_ERR_VERIFY) naming it.
FileIdentity check_lent(int fd, const std::string &name, uint64_t bytes, bool sealed, uint32_t daemon_uid);

/// All of it, mapped shared and for reading. Of no bytes: nothing is mapped. Throws Error.
boost::interprocess::mapped_region map_lent(int fd, const std::string &name, uint64_t bytes);

} // namespace quant
