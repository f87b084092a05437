// Sizes as people write them.
#pragma once

#include <cstdint>
#include <string>

namespace quantctl {

/// "4.2G", "800M", "1500K", "4GiB", "123456" to bytes: K, M, G, T (and KB ...) are powers of
/// 1000, KiB, MiB, GiB, TiB of 1024, in any case. A usage error names `option`.
uint64_t parse_size(const std::string &option, const std::string &text);

} // namespace quantctl
