// Small files in which the system tells its limits: how they are read, and where those of our cgroup lie.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

struct CgroupFolder {
    std::filesystem::path path;
    bool v2;
};

/// For a controller ("cpu", "memory"); `proc_cgroup` is the text of /proc/self/cgroup and
/// `root` where cgroups are mounted. Any ancestor may have the tightest limit, and inside a
/// container our own path may not exist below the mount: then the mount's root is our group.
/// Folders need not exist.
std::vector<CgroupFolder> cgroup_folders(const std::string &proc_cgroup, const std::filesystem::path &root,
                                         std::string_view controller);

/// The least of what `limit_of` finds in the folders; nothing where it finds nothing.
template <class Limit> auto least_limit(const std::vector<CgroupFolder> &folders, const Limit &limit_of) {
    decltype(limit_of(folders.front())) least;
    for (const CgroupFolder &folder : folders)
        if (const auto limit = limit_of(folder); limit && (!least || *limit < *least)) least = limit;
    return least;
}

/// The first line of a file, "" where it cannot be read.
std::string first_line(const std::filesystem::path &path);
/// Nothing unless the text is a whole number from its first to its last character.
std::optional<long long> whole_number(const std::string &text);

} // namespace quant
