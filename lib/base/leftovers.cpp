#include "base/leftovers.h"

#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <system_error>

namespace quant {

namespace fs = std::filesystem;

namespace {

// Cuts the last part off `name`; whether it is a number.
bool take_number(std::string &name) {
    const size_t dot = name.rfind('.');
    if (dot == std::string::npos || dot + 1 == name.size()) return false;
    const bool number = name.find_first_not_of("0123456789", dot + 1) == std::string::npos;
    name.resize(dot);
    return number;
}

// ".NAME.PROCESS.NUMBER.part", as OutputFile calls them.
bool is_temporary(std::string name) {
    if (!name.starts_with('.') || !name.ends_with(".part")) return false;
    name.resize(name.size() - std::string_view(".part").size());
    return take_number(name) && take_number(name) && name.size() > 1;
}

} // namespace

uint32_t remove_leftovers(const fs::path &folder) {
    uint32_t removed = 0;
    std::error_code error;
    for (const fs::directory_entry &entry : fs::directory_iterator(folder, error)) {
        if (!is_temporary(entry.path().filename().string())) continue;
        const Descriptor fd(::open(entry.path().c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
        if (fd && ::flock(fd.get(), LOCK_EX | LOCK_NB) == 0 && ::unlink(entry.path().c_str()) == 0) ++removed;
    }
    return removed;
}

} // namespace quant
