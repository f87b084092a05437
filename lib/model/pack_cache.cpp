#include "model/pack_cache.h"

#include "base/error.h"
#include "base/log.h"
#include "base/paths.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cmath>
#include <cstdlib>
#include <ctime>

namespace quant {

namespace fs = std::filesystem;

namespace {

// Times of files are no finer than 2 s on some file systems.
constexpr time_t settled_after_seconds = 2;
// What a process that was killed left behind is nobody's after that.
constexpr time_t abandoned_after_seconds = 3600;

struct Kept {
    fs::path path;
    uint64_t bytes;
    timespec used;
    bool unfinished;
};

bool used_before(const Kept &a, const Kept &b) {
    return std::pair(a.used.tv_sec, a.used.tv_nsec) < std::pair(b.used.tv_sec, b.used.tv_nsec);
}

// Files that are ours by their names, used longest ago first; others are nobody's business here.
std::vector<Kept> kept_in(const fs::path &folder) {
    std::vector<Kept> out;
    std::error_code error;
    for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error)) {
        const fs::path &path = it->path();
        const bool unfinished = path.extension() == ".part" && path.filename().string().starts_with(".");
        struct stat info;
        if (!unfinished && path.extension() != ".pack") continue;
        if (::lstat(path.c_str(), &info) != 0 || !S_ISREG(info.st_mode)) continue;
        out.push_back({path, static_cast<uint64_t>(info.st_size), info.st_mtim, unfinished});
    }
    std::sort(out.begin(), out.end(), used_before);
    return out;
}

uint64_t sum(const std::vector<Kept> &kept) {
    uint64_t out = 0;
    for (const Kept &k : kept) out += k.bytes;
    return out;
}

uint64_t free_on_disk(const fs::path &folder) {
    // The folder may not be there yet; what it will be in is.
    for (fs::path at = folder; !at.empty(); at = at.parent_path()) {
        struct statvfs info;
        if (::statvfs(at.c_str(), &info) == 0) return uint64_t{info.f_bavail} * info.f_frsize;
        if (at == at.parent_path()) break;
    }
    return 0;
}

// "8G": with K, M, G, T, powers of 1000, or KiB and so on, of 1024.
std::optional<uint64_t> size_in(std::string_view text) {
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{}) return std::nullopt;
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    constexpr std::string_view prefixes = "KMGT";
    double factor = 1;
    if (!unit.empty()) {
        const size_t power = prefixes.find(unit[0]);
        const std::string_view rest = unit.substr(1);
        if (power == std::string_view::npos || (rest != "" && rest != "B" && rest != "iB")) return std::nullopt;
        factor = std::pow(rest == "iB" ? 1024.0 : 1000.0, static_cast<double>(power + 1));
    }
    const double bytes = number * factor;
    if (!(bytes >= 1 && bytes < 0x1p62)) return std::nullopt;
    return static_cast<uint64_t>(bytes);
}

} // namespace

PackLimit parse_pack_limit(std::string_view text, std::string_view origin) {
    if (text.empty() || text == "off") return 0;
    if (text == "on") return std::nullopt;
    if (const auto size = size_in(text)) return size;
    fail(QUANT_ERR_ARGUMENT, "{}: expected off, on or a size such as 8G, found \"{}\"", origin, printable(text));
}

PackLimit usual_pack_limit() {
    const char *text = std::getenv("QUANT_PACK_CACHE");
    return parse_pack_limit(text ? text : "", "QUANT_PACK_CACHE");
}

PackCache PackCache::of_user(PackLimit limit) { return {cache_home() / "packs", limit}; }

fs::path PackCache::path_of(const PackPlan &plan) const { return folder_ / (plan.identity.substr(0, 32) + ".pack"); }

uint64_t PackCache::limit() const {
    if (limit_) return *limit_;
    return (free_on_disk(folder_) + use().bytes) / 10;
}

PackCache::Use PackCache::use() const {
    const std::vector<Kept> kept = kept_in(folder_);
    return {sum(kept), static_cast<uint64_t>(std::count_if(kept.begin(), kept.end(), [](const Kept &k) { return !k.unfinished; }))};
}

std::shared_ptr<const PackFile> PackCache::find(const PackPlan &plan, WorkerPool &pool) const {
    const fs::path path = path_of(plan);
    try {
        auto pack = PackFile::open(path, plan, pool);
        (void)::utimensat(AT_FDCWD, path.c_str(), nullptr, 0); // Used now.
        return pack;
    } catch (const Error &e) {
        if (e.status() == QUANT_ERR_NOT_FOUND) return nullptr;
        log(QUANT_LOG_WARNING, "{}; it is deleted and made again", e.what());
        (void)::unlink(path.c_str());
        return nullptr;
    }
}

// Whether `bytes` more may be kept, others having gone for them.
bool PackCache::make_room(uint64_t bytes, const fs::path &own) const {
    const uint64_t most = limit();
    if (bytes > most) {
        log(QUANT_LOG_INFO, "{}: not kept, since it takes {} bytes and packs may take {}", own.string(), bytes, most);
        return false;
    }
    std::vector<Kept> kept = kept_in(folder_);
    uint64_t used = sum(kept);
    const time_t now = ::time(nullptr);
    for (const Kept &k : kept) {
        const bool abandoned = k.unfinished && k.used.tv_sec + abandoned_after_seconds < now;
        const bool too_much = !k.unfinished && used > most - bytes;
        if (!abandoned && !too_much) continue;
        if (::unlink(k.path.c_str()) == 0) log(QUANT_LOG_INFO, "{}: deleted to make room", k.path.string());
        used -= k.bytes;
    }
    return true;
}

// Whether there is a place for it.
bool PackCache::prepare(const PackPlan &plan) const {
    fs::create_directories(folder_.parent_path());
    if (::mkdir(folder_.c_str(), 0700) != 0 && errno != EEXIST) fail_errno(errno, "make the folder", folder_.string());
    return make_room(plan.file_bytes(), path_of(plan));
}

std::shared_ptr<const PackFile> PackCache::find_or_make(const PackPlan &plan, std::span<const PanelMatrix> matrices,
                                                        WorkerPool &pool) const {
    if (auto found = find(plan, pool)) return found;
    const fs::path path = path_of(plan);
    try {
        if (!prepare(plan)) return nullptr;
        OutputFile out(path, plan.file_bytes());
        out.set_mode(0444);
        out.allocate(plan.file_bytes());
        make_pack(plan, matrices, pool, [&](uint64_t at, std::span<const std::byte> piece) { out.write_at(at, piece); });
        out.commit_unsynced();
        return PackFile::of(HugeMap::open(path), path.string(), plan, nullptr);
    } catch (const std::exception &e) { // Of the file system, of ours.
        log(QUANT_LOG_WARNING, "the pack is not kept: {}", e.what());
        return nullptr;
    }
}

void PackCache::keep(const PackPlan &plan, std::span<const PanelMatrix> matrices, WorkerPool &pool) const {
    const fs::path path = path_of(plan);
    try {
        if (!prepare(plan)) return;
        write_pack(path, plan, matrices, pool);
        log(QUANT_LOG_INFO, "{}: pack kept, {} bytes", path.string(), plan.file_bytes());
    } catch (const std::exception &e) { // Of the file system, of ours.
        log(QUANT_LOG_WARNING, "the pack is not kept: {}", e.what());
    }
}

std::optional<std::string> origin_of(const std::vector<fs::path> &files) {
    std::string out;
    const time_t now = ::time(nullptr);
    for (const fs::path &file : files) {
        struct stat s;
        if (::stat(file.c_str(), &s) != 0) return std::nullopt;
        for (const timespec &t : {s.st_mtim, s.st_ctim})
            if (t.tv_sec + settled_after_seconds >= now) return std::nullopt;
        out += fmt::format("{} {} {}.{:09} {}.{:09}\n", s.st_size, s.st_ino, s.st_mtim.tv_sec, s.st_mtim.tv_nsec,
                           s.st_ctim.tv_sec, s.st_ctim.tv_nsec);
    }
    return out;
}

} // namespace quant
