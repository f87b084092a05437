// CPU quotas. Version 2 says "QUOTA PERIOD" in cpu.max of every group; version 1 has
// two files in the cpu controller's own tree. Any ancestor may be the tightest, and
// inside a container our own path may not exist below the mount: then the
// mount's root is our group. What cannot be read counts as no limit.
#include "machine/topology.h"

#include <algorithm>
#include <charconv>
#include <fstream>
#include <sstream>

namespace quant {

namespace {

std::string first_line(const std::filesystem::path &path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::optional<long long> number(const std::string &text) {
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::optional<unsigned> whole_cpus(std::optional<long long> quota, std::optional<long long> period) {
    if (!quota || !period || *quota <= 0 || *period <= 0) return std::nullopt;
    const long long cpus = (*quota - 1) / *period + 1;
    return static_cast<unsigned>(std::min<long long>(cpus, 1 << 20));
}

std::optional<unsigned> limit_of(const std::filesystem::path &group, bool v2) {
    if (!v2)
        return whole_cpus(number(first_line(group / "cpu.cfs_quota_us")),
                          number(first_line(group / "cpu.cfs_period_us")));
    std::istringstream words(first_line(group / "cpu.max"));
    std::string quota, period;
    words >> quota >> period;
    return whole_cpus(number(quota), number(period));
}

void take_smaller(std::optional<unsigned> &least, std::optional<unsigned> other) {
    if (other && (!least || *other < *least)) least = other;
}

/// Walk from `root`/`group` up to `root`, at most as deep as cgroups nest sensibly.
std::optional<unsigned> tightest(const std::filesystem::path &root, const std::string &group, bool v2) {
    std::optional<unsigned> least = limit_of(root, v2);
    std::filesystem::path relative = std::filesystem::path(group).relative_path();
    for (int depth = 0; depth < 64 && !relative.empty(); ++depth) {
        take_smaller(least, limit_of(root / relative, v2));
        relative = relative.parent_path();
    }
    return least;
}

bool names_cpu(const std::string &controllers) {
    std::istringstream words(controllers);
    for (std::string word; std::getline(words, word, ',');)
        if (word == "cpu") return true;
    return false;
}

} // namespace

std::optional<unsigned> cgroup_cpu_limit(const std::string &proc_cgroup, const std::filesystem::path &root) {
    std::optional<unsigned> least;
    std::istringstream lines(proc_cgroup);
    for (std::string line; std::getline(lines, line);) {
        // Each line is "hierarchy:controllers:path"; version 2 has hierarchy 0 and no controllers.
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
        if (controllers.empty()) {
            take_smaller(least, tightest(root, group, true));
            take_smaller(least, tightest(root / "unified", group, true));
        } else if (names_cpu(controllers)) {
            take_smaller(least, tightest(root / "cpu", group, false));
            if (controllers != "cpu") take_smaller(least, tightest(root / controllers, group, false));
        }
    }
    return least;
}

} // namespace quant
