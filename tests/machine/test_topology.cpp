// Cores and limits, on machines we do not have: hwloc's synthetic topologies and
// made-up cgroup trees.
#include "machine/cpu_features.h"
#include "machine/topology.h"
#include "test_support.h"

using namespace quant;

TEST_CASE("a core counts once, whatever its hardware threads") {
    const Topology t = synthetic_topology("numanode:2 core:4 pu:2");
    REQUIRE(t.cores.size() == 8);
    REQUIRE(t.cores[1].cpu == 2);
    REQUIRE(t.cores[0].node == 0);
    REQUIRE(t.cores[7].node == 1);
    REQUIRE(t.usable() == 8);
}

TEST_CASE("only cores of the affinity mask count") {
    const Topology t = synthetic_topology("core:4 pu:2", {1, 4, 5});
    REQUIRE(t.cores.size() == 2);
    REQUIRE(t.cores[0].cpu == 1);
    REQUIRE(t.cores[1].cpu == 4);
    test::require_error(QUANT_ERR_ARGUMENT, {"core:zwei"}, [] { synthetic_topology("core:zwei"); });
}

TEST_CASE("a quota below the cores is what we use") {
    Topology t = synthetic_topology("core:8 pu:1");
    t.quota = 3;
    REQUIRE(t.usable() == 3);
    t.quota = 100;
    REQUIRE(t.usable() == 8);
}

TEST_CASE("this machine has a core") {
    REQUIRE(machine_topology().usable() >= 1);
    if (cpu_features().avx512) REQUIRE(cpu_features().avx2);
}

TEST_CASE("the tightest cgroup on the way up limits us, rounded up") {
    const test::ScratchFolder root;
    std::filesystem::create_directories(root / "a/b/c");
    test::write_file(root / "a/cpu.max", "250000 100000\n");
    test::write_file(root / "a/b/cpu.max", "max 100000\n");
    test::write_file(root / "a/b/c/cpu.max", "900000 100000\n");
    REQUIRE(cgroup_cpu_limit("0::/a/b/c\n", root.path()) == 3u);
    REQUIRE(cgroup_cpu_limit("0::/elsewhere\n", root.path()) == std::nullopt);
    test::write_file(root / "cpu.max", "1000 100000\n");
    REQUIRE(cgroup_cpu_limit("0::/elsewhere\n", root.path()) == 1u);
}

TEST_CASE("version 1 quotas are read from the cpu controller") {
    const test::ScratchFolder root;
    std::filesystem::create_directories(root / "cpu,cpuacct/x");
    test::write_file(root / "cpu,cpuacct/x/cpu.cfs_quota_us", "400000\n");
    test::write_file(root / "cpu,cpuacct/x/cpu.cfs_period_us", "100000\n");
    REQUIRE(cgroup_cpu_limit("5:memory:/x\n4:cpu,cpuacct:/x\n", root.path()) == 4u);
    test::write_file(root / "cpu,cpuacct/x/cpu.cfs_quota_us", "-1\n");
    REQUIRE(cgroup_cpu_limit("4:cpu,cpuacct:/x\n", root.path()) == std::nullopt);
}

TEST_CASE("garbage in cgroup files is no limit") {
    const test::ScratchFolder root;
    for (const char *text : {"", "x y", "1", "0 0", "5 0", "99999999999999999999 1", "1.5 100000"}) {
        test::write_file(root / "cpu.max", text);
        REQUIRE(cgroup_cpu_limit("0::/\nnonsense\n:\n", root.path()) == std::nullopt);
    }
}
