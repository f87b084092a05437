// Packs: what is written is what is read, anything else is refused, and the folder stays within its bound.
#include "kernel/kernel_table.h"
#include "model/pack_cache.h"
#include "model/panel_memory.h"
#include "test_support.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>
#include <iostream>
#include <random>
#include <thread>

using namespace quant;
using test::require_error;

namespace {

namespace fs = std::filesystem;

struct Random {
    std::mt19937_64 engine{[] {
        const char *text = std::getenv("QUANT_TEST_SEED");
        const uint64_t seed = text ? std::strtoull(text, nullptr, 10) : std::random_device{}();
        std::cout << "QUANT_TEST_SEED=" << seed << std::endl;
        return seed;
    }()};
    uint64_t operator()(uint64_t below) { return engine() % below; }
};

/// Matrices of random bytes, one of which never has panels.
struct Weights {
    std::vector<std::vector<std::byte>> bytes;
    std::vector<PackedMatrix> matrices;

    explicit Weights(uint64_t salt = 0) {
        std::mt19937_64 engine(salt);
        const struct {
            quant_encoding encoding;
            uint64_t rows, cols;
        } shapes[] = {{QUANT_Q4_K, 40, 512}, {QUANT_F32, 3, 64}, {QUANT_Q8_0, 700, 4096}, {QUANT_IQ2_XXS, 17, 256}};
        for (const auto &s : shapes) {
            const EncodingTraits &e = encoding_traits(s.encoding);
            bytes.emplace_back(encoded_bytes(e, s.rows, s.cols));
            for (std::byte &b : bytes.back()) b = static_cast<std::byte>(engine() & 255);
            matrices.push_back(PackedMatrix::pack(e, s.rows, s.cols, bytes.back(), nullptr));
        }
    }
    std::vector<PanelMatrix> list() {
        std::vector<PanelMatrix> out;
        for (size_t i = 0; i < matrices.size(); i++) out.push_back({"matrix" + std::to_string(i), &matrices[i]});
        return out;
    }
    std::vector<std::byte> panels() const {
        std::vector<std::byte> out;
        for (const PackedMatrix &m : matrices) {
            if (!m.has_panels()) continue;
            out.resize(out.size() + m.panel_bytes());
            m.copy_panels(0, std::span(out).last(m.panel_bytes()));
        }
        return out;
    }
};

bool are_made() { return Weights().matrices[2].panel_bytes() != 0; }

/// A pack in a folder.
struct Packed {
    test::ScratchFolder folder;
    fs::path path = folder / "a.pack";
    WorkerPool pool{2};
    Weights weights;
    PackPlan plan = plan_pack("origin", weights.list());

    Packed() {
        REQUIRE(add_panels(weights.list(), "test", pool));
        write_pack(path, plan, weights.list(), pool);
    }
    uint64_t head_bytes() const { // As pack_file.h says.
        return 24 + 32 + 64 + plan.entries.size() * (64 + 8 + 32) + ((plan.data_bytes + (2 << 20) - 1) / (2 << 20) + 1) * 8;
    }
    bool opens() {
        try {
            PackFile::open(path, plan, pool);
            return true;
        } catch (const Error &e) {
            INFO(e.what());
            REQUIRE(std::string(e.what()).find(path.string()) != std::string::npos);
            return false;
        }
    }
    void flip(uint64_t at, int bits) {
        const int fd = ::open(path.c_str(), O_RDWR);
        unsigned char byte = 0;
        REQUIRE(::pread(fd, &byte, 1, static_cast<off_t>(at)) == 1);
        byte = static_cast<unsigned char>(byte ^ bits);
        REQUIRE(::pwrite(fd, &byte, 1, static_cast<off_t>(at)) == 1);
        ::close(fd);
    }
};

} // namespace

TEST_CASE("a pack gives back the panels that were written") {
    if (!are_made()) return;
    Packed p;
    struct stat info;
    REQUIRE(::stat(p.path.c_str(), &info) == 0);
    REQUIRE((info.st_mode & 0777) == 0600);
    const auto pack = PackFile::open(p.path, p.plan, p.pool);
    Weights mapped;
    for (size_t i = 0; i < mapped.matrices.size(); i++)
        if (p.plan.entries[i].bytes != 0)
            mapped.matrices[i] = mapped.matrices[i].with_ready_panels(pack->panels(p.plan, i), pack);
    REQUIRE(mapped.panels().size() == p.plan.data_bytes);
    REQUIRE(mapped.panels() == p.weights.panels());
    fs::remove(p.path); // Who has it mapped keeps it.
    REQUIRE(mapped.panels() == p.weights.panels());
}

TEST_CASE("any byte of a pack's head counts") {
    if (!are_made()) return;
    Packed p;
    REQUIRE(p.opens());
    for (uint64_t at = 0; at < p.head_bytes(); at++)
        for (const int bits : {1, 0x80, 0xff}) {
            INFO("byte " << at);
            p.flip(at, bits);
            REQUIRE_FALSE(p.opens());
            p.flip(at, bits);
        }
    REQUIRE(p.opens());
}

TEST_CASE("a pack of another length is refused") {
    if (!are_made()) return;
    Packed p;
    const uint64_t all = p.plan.file_bytes(), head = p.head_bytes();
    REQUIRE(fs::file_size(p.path) == all);
    for (const uint64_t length : {uint64_t{0}, uint64_t{1}, uint64_t{8}, uint64_t{119}, uint64_t{120}, head - 1, head, p.plan.data_at - 1,
                                  p.plan.data_at, p.plan.data_at + 1, all - 4096, all - 1, all + 1, all + (4 << 20)}) {
        INFO(length);
        const fs::path cut = p.folder / "cut.pack";
        fs::copy_file(p.path, cut, fs::copy_options::overwrite_existing);
        fs::resize_file(cut, length);
        REQUIRE_THROWS_AS(PackFile::open(cut, p.plan, p.pool), Error);
    }
}

TEST_CASE("damage anywhere in a pack's panels is found, and where it is told") {
    if (!are_made()) return;
    Packed p;
    Random random;
    for (int round = 0; round < 60; round++) {
        const uint64_t at = p.plan.data_at + random(p.plan.data_bytes);
        const int bits = static_cast<int>(1 + random(255));
        p.flip(at, bits);
        require_error(QUANT_ERR_FORMAT, {"a.pack", "damaged between bytes"}, [&] { PackFile::open(p.path, p.plan, p.pool); });
        p.flip(at, bits);
    }
    for (int round = 0; round < 60; round++) { // Many bytes, anywhere.
        const fs::path torn = p.folder / "torn.pack";
        fs::copy_file(p.path, torn, fs::copy_options::overwrite_existing);
        const int fd = ::open(torn.c_str(), O_RDWR);
        std::vector<char> noise(1 + random(5000));
        for (char &c : noise) c = static_cast<char>(random(256));
        const uint64_t from = round % 2 ? 0 : p.plan.data_at, length = round % 2 ? p.head_bytes() : p.plan.data_bytes;
        REQUIRE(::pwrite(fd, noise.data(), std::min<size_t>(noise.size(), length), static_cast<off_t>(from)) > 0);
        ::close(fd);
        REQUIRE_THROWS_AS(PackFile::open(torn, p.plan, p.pool), Error);
    }
    REQUIRE(p.opens());
}

TEST_CASE("a pack of other weights is not this model's") {
    if (!are_made()) return;
    Packed p;
    REQUIRE(plan_pack("origin", p.weights.list()).identity == p.plan.identity);
    REQUIRE(plan_pack("another", p.weights.list()).identity != p.plan.identity);
    Weights other(1);
    REQUIRE(plan_pack("origin", other.list()).identity != p.plan.identity);
    Weights renamed;
    std::vector<PanelMatrix> list = renamed.list();
    list[0].name = "x";
    REQUIRE(plan_pack("origin", list).identity != p.plan.identity);
    require_error(QUANT_ERR_FORMAT, {"a.pack", "other weights"},
                  [&] { PackFile::open(p.path, plan_pack("another", p.weights.list()), p.pool); });
    require_error(QUANT_ERR_TRUNCATED, {"a.pack", "expected"}, [&] {
        list.resize(2); // Not only the last, of which some tiers have no panels.
        PackFile::open(p.path, plan_pack("origin", list), p.pool);
    });
}

TEST_CASE("a pack that others may write, or that is no file, is refused") {
    if (!are_made()) return;
    Packed p;
    for (const mode_t mode : {0620, 0602, 0666}) {
        REQUIRE(::chmod(p.path.c_str(), mode) == 0);
        require_error(QUANT_ERR_PERMISSION, {"a.pack"}, [&] { PackFile::open(p.path, p.plan, p.pool); });
    }
    REQUIRE(::chmod(p.path.c_str(), 0600) == 0);
    fs::create_symlink(p.path, p.folder / "link.pack");
    REQUIRE_THROWS_AS(PackFile::open(p.folder / "link.pack", p.plan, p.pool), Error);
    REQUIRE(::mkfifo((p.folder / "fifo.pack").c_str(), 0600) == 0);
    require_error(QUANT_ERR_PERMISSION, {"fifo.pack"}, [&] { PackFile::open(p.folder / "fifo.pack", p.plan, p.pool); });
    require_error(QUANT_ERR_NOT_FOUND, {"none.pack"}, [&] { PackFile::open(p.folder / "none.pack", p.plan, p.pool); });
}

TEST_CASE("panels come from the cache the second time, the same, on any nodes") {
    if (!are_made()) return;
    const test::ScratchFolder folder;
    const PackPlace place{PackCache(folder / "packs", uint64_t{1} << 30), "origin"};
    WorkerPool pool(2);
    Weights first;
    REQUIRE(add_panels(first.list(), "test", pool, &place));
    REQUIRE(place.cache.use().packs == 1);
    Weights plain;
    REQUIRE(place.cache.find(plan_pack("origin", plain.list()), pool));
    for (const NumaPolicy policy : {NumaPolicy::off, NumaPolicy::shard, NumaPolicy::mirror}) {
        WorkerLayout layout = pool.layout();
        layout.numa.policy = policy;
        if (policy != NumaPolicy::off) layout.groups = {{0, 1, 0, {}}, {1, 1, 0, {}}};
        WorkerPool spread(layout);
        Weights second;
        REQUIRE(add_panels(second.list(), "test", spread, &place));
        REQUIRE(second.panels() == first.panels());
    }
}

TEST_CASE("a damaged pack in the cache is deleted and made again") {
    if (!are_made()) return;
    const test::ScratchFolder folder;
    const PackPlace place{PackCache(folder / "packs", uint64_t{1} << 30), "origin"};
    WorkerPool pool(2);
    Weights weights, again;
    REQUIRE(add_panels(weights.list(), "test", pool, &place));
    const PackPlan plan = plan_pack("origin", weights.list());
    const fs::path path = place.cache.path_of(plan);
    fs::resize_file(path, plan.file_bytes() - 1);
    REQUIRE(place.cache.find(plan, pool) == nullptr);
    REQUIRE_FALSE(fs::exists(path));
    REQUIRE(add_panels(again.list(), "test", pool, &place));
    REQUIRE(again.panels() == weights.panels());
    REQUIRE(place.cache.find(plan, pool));
}

TEST_CASE("the cache stays within its limit, and what was not used for longest goes first") {
    if (!are_made()) return;
    Packed p;
    const fs::path folder = p.folder / "packs";
    const PackCache cache(folder, 2 * p.plan.file_bytes() + 1000);
    const PackPlan plans[3] = {plan_pack("a", p.weights.list()), plan_pack("b", p.weights.list()), plan_pack("c", p.weights.list())};
    const auto age = [](const fs::path &path, int seconds) {
        fs::last_write_time(path, fs::file_time_type::clock::now() - std::chrono::seconds(seconds));
    };
    cache.keep(plans[0], p.weights.list(), p.pool);
    cache.keep(plans[1], p.weights.list(), p.pool);
    age(cache.path_of(plans[0]), 100), age(cache.path_of(plans[1]), 50);
    REQUIRE(cache.find(plans[0], p.pool)); // Which makes the other the older one.
    test::write_file(folder / "note.txt", std::string(5000, 'x'));
    test::write_file(folder / ".x.pack.1.0.part", "new");
    test::write_file(folder / ".x.pack.2.0.part", "old");
    age(folder / ".x.pack.2.0.part", 4000);
    cache.keep(plans[2], p.weights.list(), p.pool);
    REQUIRE(cache.find(plans[0], p.pool));
    REQUIRE_FALSE(cache.find(plans[1], p.pool));
    REQUIRE(cache.find(plans[2], p.pool));
    REQUIRE(cache.use().packs == 2);
    REQUIRE(fs::exists(folder / "note.txt"));
    REQUIRE(fs::exists(folder / ".x.pack.1.0.part"));
    REQUIRE_FALSE(fs::exists(folder / ".x.pack.2.0.part"));

    const PackCache small(p.folder / "small", p.plan.file_bytes() - 1);
    small.keep(p.plan, p.weights.list(), p.pool);
    REQUIRE(small.use().packs == 0);
}

TEST_CASE("a disk that is full or a folder that cannot be leaves nothing behind and fails nothing") {
    if (!are_made()) return;
    Packed p;
    test::write_file(p.folder / "file", "no folder");
    PackCache(p.folder / "file", std::nullopt).keep(p.plan, p.weights.list(), p.pool);
    REQUIRE(test::read_file(p.folder / "file") == "no folder");

    const fs::path folder = p.folder / "packs";
    rlimit before;
    REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
    const rlimit little{1 << 20, before.rlim_max};
    const auto signal = std::signal(SIGXFSZ, SIG_IGN);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &little) == 0);
    PackCache(folder, uint64_t{1} << 30).keep(p.plan, p.weights.list(), p.pool);
    REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
    std::signal(SIGXFSZ, signal);
    REQUIRE(fs::is_directory(folder));
    REQUIRE(fs::is_empty(folder));
}

TEST_CASE("several write and read the same pack at once, and each finds all of it or nothing") {
    if (!are_made()) return;
    Packed p;
    const PackCache cache(p.folder / "packs", uint64_t{1} << 30);
    const std::vector<std::byte> expected = p.weights.panels();
    std::atomic<int> found{0};
    std::vector<std::thread> threads;
    std::atomic<bool> wrong{false};
    for (int t = 0; t < 3; t++)
        threads.emplace_back([&] {
            WorkerPool pool(1);
            for (int round = 0; round < 4; round++) {
                cache.keep(p.plan, p.weights.list(), pool);
                const auto pack = cache.find(p.plan, pool);
                if (!pack) continue;
                found++;
                const auto panels = pack->panels(p.plan, 0);
                if (!std::equal(panels.begin(), panels.end(), expected.begin())) wrong = true;
            }
        });
    for (std::thread &t : threads) t.join();
    REQUIRE_FALSE(wrong);
    REQUIRE(found == 12);
    REQUIRE(cache.use().packs == 1);
}

TEST_CASE("limits are off, on or sizes") {
    REQUIRE(parse_pack_limit("", "x") == PackLimit(0));
    REQUIRE(parse_pack_limit("off", "x") == PackLimit(0));
    REQUIRE_FALSE(parse_pack_limit("on", "x"));
    REQUIRE(parse_pack_limit("8G", "x") == PackLimit(8'000'000'000));
    REQUIRE(parse_pack_limit("1.5GiB", "x") == PackLimit(3ull << 29));
    REQUIRE(parse_pack_limit("200MB", "x") == PackLimit(200'000'000));
    REQUIRE(parse_pack_limit("123456", "x") == PackLimit(123456));
    for (const char *bad : {"no", "8X", "G", "-1G", "0", "1e300T", "nan", "8Gi", "8 G", "inf"})
        require_error(QUANT_ERR_ARGUMENT, {"here", "off, on or a size", bad}, [&] { parse_pack_limit(bad, "here"); });
}

TEST_CASE("files that changed just now tell nothing of what they are") {
    const test::ScratchFolder folder;
    test::write_file(folder / "new", "x");
    REQUIRE_FALSE(origin_of({folder / "new"}));
    REQUIRE_FALSE(origin_of({folder / "none"}));
    const fs::path old = "/proc/self/exe"; // This program, built before.
    REQUIRE(origin_of({old}));
    REQUIRE(origin_of({old}) == origin_of({old}));
    REQUIRE_FALSE(origin_of({old, folder / "new"}));
}
