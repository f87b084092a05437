// Where the limits of our cgroup are to be read: its own folder and those of its ancestors.
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

/// The first line of a file, "" where it cannot be read.
std::string first_line(const std::filesystem::path &path);
/// Nothing unless the text is a whole number from its first to its last character.
std::optional<long long> whole_number(const std::string &text);

} // namespace quant
