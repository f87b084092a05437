#include "machine/system_files.h"

#include <charconv>
#include <fstream>
#include <sstream>

namespace quant {

namespace {

/// From `root`/`group` up to `root`, at most as deep as cgroups nest sensibly.
void add_ancestors(const std::filesystem::path &root, const std::string &group, bool v2, std::vector<CgroupFolder> &out) {
    out.push_back({root, v2});
    std::filesystem::path relative = std::filesystem::path(group).relative_path();
    for (int depth = 0; depth < 64 && !relative.empty(); ++depth) {
        out.push_back({root / relative, v2});
        relative = relative.parent_path();
    }
}

bool lists(const std::string &controllers, std::string_view wanted) {
    std::istringstream words(controllers);
    for (std::string word; std::getline(words, word, ',');)
        if (word == wanted) return true;
    return false;
}

} // namespace

std::string first_line(const std::filesystem::path &path) {
    std::ifstream in(path);
    std::string line;
    std::getline(in, line);
    return line;
}

std::optional<long long> whole_number(const std::string &text) {
    long long value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
    return value;
}

std::vector<CgroupFolder> cgroup_folders(const std::string &proc_cgroup, const std::filesystem::path &root,
                                         std::string_view controller) {
    std::vector<CgroupFolder> out;
    std::istringstream lines(proc_cgroup);
    for (std::string line; std::getline(lines, line);) {
        // Each line is "hierarchy:controllers:path"; version 2 has hierarchy 0 and no controllers.
        const size_t first = line.find(':'), second = line.find(':', first + 1);
        if (first == std::string::npos || second == std::string::npos) continue;
        const std::string controllers = line.substr(first + 1, second - first - 1), group = line.substr(second + 1);
        if (controllers.empty()) {
            add_ancestors(root, group, true, out);
            add_ancestors(root / "unified", group, true, out);
        } else if (lists(controllers, controller)) {
            add_ancestors(root / controller, group, false, out);
            if (controllers != controller) add_ancestors(root / controllers, group, false, out);
        }
    }
    return out;
}

} // namespace quant
