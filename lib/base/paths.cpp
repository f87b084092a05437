#include "base/paths.h"

#include "base/error.h"

#include <dlfcn.h>

#include <cstdlib>

namespace quant {

namespace fs = std::filesystem;

namespace {

const char *environment(const char *name) {
    const char *value = std::getenv(name);
    return value && *value ? value : nullptr;
}

} // namespace

fs::path data_home() {
    if (const char *home = environment("QUANT_HOME")) return home;
    if (const char *data = environment("XDG_DATA_HOME")) return fs::path(data) / "libquant";
    if (const char *home = environment("HOME")) return fs::path(home) / ".local/share/libquant";
    fail(QUANT_ERR_NOT_FOUND, "no place for the catalog: set QUANT_HOME, XDG_DATA_HOME or HOME");
}

// The XDG rules have relative paths ignored.
fs::path cache_home() {
    if (const char *cache = environment("XDG_CACHE_HOME"); cache && *cache == '/') return fs::path(cache) / "libquant";
    if (const char *home = environment("HOME")) return fs::path(home) / ".cache/libquant";
    fail(QUANT_ERR_NOT_FOUND, "no place for caches: set XDG_CACHE_HOME or HOME");
}

std::vector<fs::path> share_folders() {
    std::vector<fs::path> folders;
    if (const char *share = environment("QUANT_SHARE")) folders.push_back(fs::path(share));
    // <prefix>/lib[/<multiarch>]/libquant.so, hence up to two levels above its folder.
    Dl_info info;
    if (::dladdr(reinterpret_cast<void *>(&share_folders), &info) != 0 && info.dli_fname) {
        std::error_code ignored;
        fs::path folder = fs::canonical(info.dli_fname, ignored).parent_path();
        for (int up = 0; up < 2 && !folder.empty(); up++) {
            folder = folder.parent_path();
            folders.push_back(folder / "share/libquant");
        }
    }
    folders.push_back(fs::path(QUANT_CONFIGURED_DATADIR) / "libquant");
    return folders;
}

} // namespace quant
