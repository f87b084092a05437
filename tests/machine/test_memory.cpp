// What memory is left, by made-up cgroup trees.
#include "machine/memory.h"
#include "test_support.h"

using namespace quant;

namespace {

void write_in(const test::ScratchFolder &root, const std::string &folder, const std::string &name, const std::string &text) {
    std::filesystem::create_directories(root / folder);
    test::write_file(root / (folder + "/" + name), text);
}

} // namespace

TEST_CASE("the tightest group says what memory is left, and caches do not count") {
    const test::ScratchFolder root;
    REQUIRE_FALSE(cgroup_memory_left("0::/a/b\n", root.path()));
    write_in(root, "a/b", "memory.max", "max\n");
    REQUIRE_FALSE(cgroup_memory_left("0::/a/b\n", root.path()));
    write_in(root, "a", "memory.max", "1000000\n");
    write_in(root, "a", "memory.stat", "anon 300000\nfile 900000\n");
    REQUIRE(cgroup_memory_left("0::/a/b\n", root.path()) == 700000u);
    write_in(root, "a/b", "memory.max", "500000\n");
    REQUIRE(cgroup_memory_left("0::/a/b\n", root.path()) == 500000u);
    write_in(root, "a/b", "memory.stat", "anon 600000\n");
    REQUIRE(cgroup_memory_left("0::/a/b\n", root.path()) == 0u);
    REQUIRE(cgroup_memory_left("0::/elsewhere\n", root.path()) == std::nullopt);
}

TEST_CASE("version 1 has files of its own") {
    const test::ScratchFolder root;
    write_in(root, "memory/x", "memory.limit_in_bytes", "4096\n");
    write_in(root, "memory/x", "memory.stat", "cache 77\ntotal_rss 96\n");
    REQUIRE(cgroup_memory_left("4:memory:/x\n", root.path()) == 4000u);
    REQUIRE(cgroup_memory_left("4:cpu:/x\n", root.path()) == std::nullopt);
}

TEST_CASE("nonsense in the files is no limit") {
    const test::ScratchFolder root;
    for (const char *text : {"", "abc", "-5", "12x", "99999999999999999999999"}) {
        write_in(root, "a", "memory.max", text);
        REQUIRE_FALSE(cgroup_memory_left("0::/a\n", root.path()));
    }
    REQUIRE(available_memory() > 0);
}
