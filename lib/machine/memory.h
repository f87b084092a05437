// How much memory this process may still take before something must go.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <string>

namespace quant {

/// Bytes: what the system says is available (which counts caches that it can drop), and no
/// more than our cgroup leaves. The largest number where neither can be read. Threads: any.
uint64_t available_memory();

/// What the cgroups' limits leave beyond the memory that cannot be dropped; nothing where
/// there is no limit. Arguments as cgroup_cpu_limit() has them.
std::optional<uint64_t> cgroup_memory_left(const std::string &proc_cgroup, const std::filesystem::path &root);

} // namespace quant
