// Version 2 of cgroups has memory.max ("max" where there is none) and "anon N" in
// memory.stat; version 1 memory.limit_in_bytes, a huge number where there is none, and
// "total_rss N". What files cache is dropped when memory is wanted, so it does not count.
#include "machine/memory.h"

#include "machine/system_files.h"

#include <algorithm>
#include <fstream>
#include <sstream>

namespace quant {

namespace {

/// The number behind `key` in lines of "key number".
std::optional<long long> number_behind(const std::filesystem::path &path, std::string_view key) {
    std::ifstream in(path);
    for (std::string line; std::getline(in, line);) {
        std::istringstream words(line);
        std::string name, value;
        words >> name >> value;
        if (name == key) return whole_number(value);
    }
    return std::nullopt;
}

std::optional<uint64_t> left_in(const CgroupFolder &group) {
    const auto limit = whole_number(first_line(group.path / (group.v2 ? "memory.max" : "memory.limit_in_bytes")));
    if (!limit || *limit < 0) return std::nullopt;
    const long long used = number_behind(group.path / "memory.stat", group.v2 ? "anon" : "total_rss").value_or(0);
    return static_cast<uint64_t>(std::max(0LL, *limit - std::max(0LL, used)));
}

} // namespace

std::optional<uint64_t> cgroup_memory_left(const std::string &proc_cgroup, const std::filesystem::path &root) {
    return least_limit(cgroup_folders(proc_cgroup, root, "memory"), left_in);
}

uint64_t available_memory() {
    uint64_t out = std::numeric_limits<uint64_t>::max();
    if (const auto kilobytes = number_behind("/proc/meminfo", "MemAvailable:"); kilobytes && *kilobytes >= 0)
        out = static_cast<uint64_t>(*kilobytes) * 1024;
    std::ifstream in("/proc/self/cgroup");
    std::ostringstream text;
    text << in.rdbuf();
    return std::min(out, cgroup_memory_left(text.str(), "/sys/fs/cgroup").value_or(out));
}

} // namespace quant
