// Placement, on machines we do not have: which workers there are, where, and what falls to
// each node. What only a machine with several nodes can show is tagged [nodes], and is also run on a
// virtual one (tests/numa).
#include "machine/huge_buffer.h"
#include "machine/numa_policy.h"
#include "machine/worker_layout.h"
#include "machine/worker_pool.h"
#include "test_support.h"

#include <algorithm>
#include <atomic>
#include <cstring>
#include <utility>

#include <sched.h>

using namespace quant;
using test::require_error;

namespace {

constexpr NumaChoice shard{NumaPolicy::shard, 0}, mirror{NumaPolicy::mirror, 0}, off{NumaPolicy::off, 0};

std::vector<unsigned> counts_of(const WorkerLayout &layout) {
    std::vector<unsigned> out;
    for (const WorkerGroup &g : layout.groups) out.push_back(g.count);
    return out;
}

void require_sound(const WorkerLayout &layout) {
    REQUIRE(!layout.groups.empty());
    unsigned next = 0;
    for (size_t g = 0; g < layout.groups.size(); g++) {
        REQUIRE(layout.groups[g].first == next);
        REQUIRE(layout.groups[g].count >= 1);
        for (unsigned w = 0; w < layout.groups[g].count; w++) REQUIRE(layout.group_of(next + w) == g);
        next += layout.groups[g].count;
    }
    REQUIRE(next == layout.workers);
    for (const size_t count : {size_t{0}, size_t{1}, size_t{7}, size_t{64}, size_t{4099}, SIZE_MAX}) {
        const auto starts = layout.shares(count);
        REQUIRE(starts.size() == layout.groups.size() + 1);
        REQUIRE(starts.front() == 0);
        REQUIRE(starts.back() == count);
        REQUIRE(std::is_sorted(starts.begin(), starts.end()));
        for (size_t g = 0; g < layout.groups.size() && count < 10000; g++) {
            const double exact = static_cast<double>(count) * layout.groups[g].count / layout.workers;
            REQUIRE(std::abs(static_cast<double>(starts[g + 1] - starts[g]) - exact) < 1.0001);
        }
    }
}

} // namespace

TEST_CASE("each node's cores are next to one another, and its share is theirs") {
    const Topology t = synthetic_topology("numanode:2 core:4 pu:2");
    REQUIRE(t.nodes.size() == 2);
    REQUIRE(t.nodes[1].number == 1);
    REQUIRE(t.nodes[1].bytes > 0);
    const WorkerLayout layout = lay_out_workers(t, shard, 0);
    require_sound(layout);
    REQUIRE(layout.pinned);
    REQUIRE(counts_of(layout) == std::vector<unsigned>{4, 4});
    REQUIRE(layout.groups[0].cpus == std::vector<unsigned>{0, 2, 4, 6});
    REQUIRE(layout.groups[1].cpus == std::vector<unsigned>{8, 10, 12, 14});
    REQUIRE(layout.groups[1].node == 1);
    REQUIRE(layout.shares(100) == std::vector<size_t>{0, 50, 100});
}

TEST_CASE("without NUMA there is one group of all, in the system's order") {
    const WorkerLayout layout = lay_out_workers(synthetic_topology("numanode:2 core:4 pu:1"), off, 0);
    require_sound(layout);
    REQUIRE_FALSE(layout.bound());
    REQUIRE(counts_of(layout) == std::vector<unsigned>{8});
    REQUIRE(layout.shares(100) == std::vector<size_t>{0, 100});
}

TEST_CASE("fewer workers, quotas and uneven nodes are spread in proportion") {
    Topology t = synthetic_topology("numanode:4 core:8 pu:1");
    REQUIRE(counts_of(lay_out_workers(t, shard, 8)) == std::vector<unsigned>{2, 2, 2, 2});
    REQUIRE_FALSE(lay_out_workers(t, shard, 8).pinned);
    REQUIRE(counts_of(lay_out_workers(t, shard, 3)) == std::vector<unsigned>{1, 1, 1});
    REQUIRE(counts_of(lay_out_workers(t, shard, 1)) == std::vector<unsigned>{1});
    t.quota = 12;
    REQUIRE(counts_of(lay_out_workers(t, mirror, 0)) == std::vector<unsigned>{3, 3, 3, 3});
    const Topology uneven = synthetic_topology("numanode:3 core:4 pu:1", {0, 4, 5, 6, 7, 8});
    REQUIRE(counts_of(lay_out_workers(uneven, shard, 0)) == std::vector<unsigned>{1, 4, 1});
    for (unsigned workers = 1; workers < 40; workers++)
        for (const Topology *which : {&std::as_const(t), &uneven}) require_sound(lay_out_workers(*which, shard, workers));
    const Topology single = synthetic_topology("numanode:2 core:1 pu:1");
    REQUIRE(counts_of(lay_out_workers(single, shard, 5)) == std::vector<unsigned>{2, 3});
    REQUIRE(lay_out_workers(t, shard, 1u << 30).workers == most_workers);
}

TEST_CASE("one node alone has its own cores and no others") {
    const Topology t = synthetic_topology("numanode:2 core:3 pu:1");
    const WorkerLayout layout = lay_out_workers(t, {NumaPolicy::node, 1}, 0);
    require_sound(layout);
    REQUIRE(layout.bound());
    REQUIRE(layout.workers == 3);
    REQUIRE(layout.groups[0].node == 1);
    REQUIRE(layout.groups[0].cpus == std::vector<unsigned>{3, 4, 5});
}

TEST_CASE("of heterogeneous cores the fastest work, and slower ones only where these are few") {
    const auto used = [](const std::vector<std::vector<unsigned>> &kinds) {
        const Topology t = synthetic_topology("core:8 pu:1", {}, kinds);
        std::vector<unsigned> out;
        for (const Core &c : t.worth_using()) out.push_back(c.cpu);
        REQUIRE(t.usable() == out.size());
        REQUIRE(lay_out_workers(t, off, 0).workers == out.size());
        return out;
    };
    REQUIRE(used({{4, 5, 6, 7}, {0, 1, 2, 3}}) == std::vector<unsigned>{0, 1, 2, 3});    // As many fast as slow ones.
    REQUIRE(used({{0, 1}, {2, 3, 4, 5, 6, 7}}) == std::vector<unsigned>{2, 3, 4, 5, 6, 7});
    REQUIRE(used({{2, 3, 4, 5, 6, 7}, {0, 1}}).size() == 8);                             // Too many to give up.
    REQUIRE(used({{0, 1, 2, 3}, {4, 5, 6}, {7}}) == std::vector<unsigned>{4, 5, 6, 7});  // One largest, three large.
    REQUIRE(used({}).size() == 8);
    // A node without a fast core works with what it has.
    const Topology t = synthetic_topology("numanode:2 core:4 pu:1", {}, {{4, 5, 6, 7}, {0, 1, 2, 3}});
    REQUIRE(counts_of(lay_out_workers(t, shard, 0)) == std::vector<unsigned>{4});
    REQUIRE(lay_out_workers(t, {NumaPolicy::node, 1}, 0).groups[0].cpus == std::vector<unsigned>{4, 5, 6, 7});
}

TEST_CASE("policies are read from words, and what is none is told what there is") {
    const Topology one = synthetic_topology("core:4 pu:1"), two = synthetic_topology("numanode:2 core:2 pu:1");
    REQUIRE(parse_numa("auto", one, "x") == off);
    REQUIRE(parse_numa("auto", two, "x") == shard);
    for (const char *words : {"shard", "mirror", "off", "node=0"}) REQUIRE(numa_words(parse_numa(words, one, "x")) == words);
    REQUIRE(parse_numa("node=1", two, "x") == NumaChoice{NumaPolicy::node, 1});
    for (const char *bad : {"", "Shard", "nodes", "node", "on", "shard "})
        require_error(QUANT_ERR_ARGUMENT, {"QUANT_NUMA", "auto, shard, mirror, node=N or off"},
                      [&] { parse_numa(bad, two, "QUANT_NUMA"); });
    for (const char *bad : {"node=2", "node=", "node=x", "node=-1", "node=1x", "node=99999999999"})
        require_error(QUANT_ERR_ARGUMENT, {bad, "2 memory nodes", "node=0, node=1"}, [&] { parse_numa(bad, two, "numa"); });
    require_error(QUANT_ERR_ARGUMENT, {"1 memory node:"}, [&] { parse_numa("node=1", one, "numa"); });
}

TEST_CASE("loops over shares begin with each group's own, and cover everything once") {
    const WorkerLayout layout = lay_out_workers(synthetic_topology("numanode:2 core:2 pu:1"), shard, 0);
    WorkerPool pool(layout);
    REQUIRE(pool.size() == 4);
    for (const size_t count : {0, 1, 5, 64, 1000, 4099})
        for (const size_t grain : {1, 7, 4096}) {
            std::vector<std::atomic<int>> seen(count);
            std::atomic<bool> crossed{false};
            const auto starts = layout.shares(count);
            pool.parallel_for_shares(starts, grain, [&](size_t begin, size_t end, unsigned) {
                if (begin < starts[1] && end > starts[1]) crossed = true;
                for (size_t i = begin; i < end; i++) ++seen[i];
            });
            REQUIRE_FALSE(crossed);
            REQUIRE(std::all_of(seen.begin(), seen.end(), [](const auto &n) { return n == 1; }));
        }
    const std::vector<size_t> wrong{0, 4};
    require_error(QUANT_ERR_INTERNAL, {"expected 3"}, [&] { pool.parallel_for_shares(wrong, 1, [](size_t, size_t, unsigned) {}); });
}

TEST_CASE("a share that is empty, and a loop inside a loop") {
    const WorkerLayout layout = lay_out_workers(synthetic_topology("numanode:2 core:2 pu:1"), shard, 0);
    WorkerPool pool(layout);
    std::atomic<size_t> sum{0};
    const std::vector<size_t> lopsided{0, 0, 500};
    pool.parallel_for_shares(lopsided, 1, [&](size_t begin, size_t end, unsigned) { sum += end - begin; });
    REQUIRE(sum == 500);
    sum = 0;
    pool.parallel_for(8, 1, [&](size_t begin, size_t end, unsigned) {
        for (size_t i = begin; i < end; i++)
            pool.parallel_for_shares(lopsided, 1, [&](size_t from, size_t to, unsigned) { sum += to - from; });
    });
    REQUIRE(sum == 4000);
}

TEST_CASE("who is late holds nobody up: a loop ends when its work is done") {
    // More workers than any machine has idle cores for; most come too late for a loop this short.
    WorkerPool pool(64);
    std::atomic<size_t> sum{0};
    for (int round = 0; round < 2000; round++)
        pool.parallel_for(4, 1, [&](size_t begin, size_t end, unsigned) { sum += end - begin; });
    REQUIRE(sum == 8000);
}

TEST_CASE("memory that is bound can be used, whatever the system says to it") {
    for (const unsigned node : {0u, 1u, 77u}) {
        const HugeBuffer buffer(size_t{3} << 20, PageSize::huge, node);
        std::memset(buffer.bytes().data(), 5, buffer.bytes().size());
        REQUIRE(buffer.bytes().back() == std::byte{5});
    }
    REQUIRE_FALSE(bind_memory({}, 0));
    REQUIRE(nodes_of_memory({}).empty());
}

TEST_CASE("what is bound to a node lies there", "[nodes]") {
    if (machine_topology().nodes.size() < 2) WARN("this machine has one node");
    for (const MemoryNode &node : machine_topology().nodes) {
        const HugeBuffer buffer(size_t{8} << 20, PageSize::huge, node.number);
        // Written by all, so that it is not the first touch that decides.
        WorkerPool pool(lay_out_workers(machine_topology(), parse_numa("auto", machine_topology(), "x"), 0));
        pool.parallel_for(buffer.bytes().size(), 4096, [&](size_t begin, size_t end, unsigned) {
            std::memset(buffer.bytes().data() + begin, 1, end - begin);
        });
        const auto found = nodes_of_memory(buffer.bytes());
        if (!found.empty()) REQUIRE(found == std::vector<unsigned>{node.number});
    }
}

TEST_CASE("workers run near the memory of their group", "[nodes]") {
    const unsigned all = machine_topology().usable();
    for (const unsigned workers : {all, std::max(1u, all - 1)}) {
        const WorkerLayout layout = lay_out_workers(machine_topology(), {NumaPolicy::shard, 0}, workers);
        WorkerPool pool(layout);
        constexpr int rounds = 50;
        std::vector<int> near(pool.size(), 0);
        for (int round = 0; round < rounds; round++)
            pool.run([&](unsigned worker) {
                const auto &cpus = layout.groups[layout.group_of(worker)].cpus;
                const auto cpu = static_cast<unsigned>(sched_getcpu());
                if (std::find(cpus.begin(), cpus.end(), cpu) != cpus.end()) near[worker]++;
            });
        // The caller is not bound, and who stands still may be lent a core for a moment.
        REQUIRE(std::all_of(near.begin() + 1, near.end(), [](int n) { return n > rounds / 2; }));
    }
}
