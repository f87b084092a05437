// Several users of one catalog at once: threads and processes, also ones that are killed.
#include "catalog_support.h"

#include "catalog/sqlite_database.h"

#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <ctime>
#include <random>
#include <set>
#include <thread>

using namespace quant;
using namespace quant::test;

namespace {

void pause_microseconds(long microseconds) {
    const timespec time{0, microseconds * 1000};
    ::nanosleep(&time, nullptr);
}

// Stores variants for ever, and acknowledges each through the pipe once store() returned.
[[noreturn]] void write_until_killed(const std::filesystem::path &path, int pipe, int round) {
    try {
        Catalog catalog(path);
        for (uint32_t i = 0;; ++i) {
            const int64_t id = catalog.store(make_variant(fmt::format("round{}", round), std::to_string(i)));
            catalog.add_measurement(make_measurement(id, 0, i));
            if (::write(pipe, &i, sizeof i) != sizeof i) ::_exit(3);
        }
    } catch (const std::exception &e) {
        std::fprintf(stderr, "writer: %s\n", e.what());
    }
    ::_exit(2);
}

} // namespace

TEST_CASE("a writer that is killed loses nothing it has acknowledged", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    const unsigned seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);
    size_t acknowledged = 0;
    for (int round = 0; round < 40; ++round) {
        int ends[2];
        REQUIRE(::pipe(ends) == 0);
        std::fflush(nullptr);
        const pid_t child = ::fork();
        REQUIRE(child >= 0);
        if (child == 0) write_until_killed(path, ends[1], round);
        ::close(ends[1]);
        pause_microseconds(std::uniform_int_distribution<long>(0, 60'000)(random));
        REQUIRE(::kill(child, SIGKILL) == 0);
        int status = 0;
        REQUIRE(::waitpid(child, &status, 0) == child);
        CHECK(WIFSIGNALED(status)); // And not ended by a failure of its own.

        std::vector<uint32_t> sure;
        for (uint32_t i; ::read(ends[0], &i, sizeof i) == sizeof i;) sure.push_back(i);
        ::close(ends[0]);
        Catalog catalog(path);
        for (const uint32_t i : sure) {
            const auto v = catalog.find(fmt::format("round{}", round), std::to_string(i));
            REQUIRE(v);
            REQUIRE(catalog.load(v->id).recipe.size() == 2);
            REQUIRE(catalog.measurements(v->id).size() == 1);
        }
        acknowledged += sure.size();
    }
    CHECK(acknowledged > 0);
    CHECK(sqlite::Database(path, sqlite::Access::existing).query_text("PRAGMA integrity_check") == "ok");
}

TEST_CASE("threads that open a new catalog and store at once all succeed", "[catalog]") {
    constexpr int threads = 4, each = 25;
    for (int round = 0; round < 5; ++round) {
        ScratchFolder scratch;
        const auto path = scratch / "catalog.db";
        std::vector<std::string> errors(threads);
        std::vector<std::thread> running;
        for (int t = 0; t < threads; ++t)
            running.emplace_back([&, t] {
                try {
                    Catalog catalog(path);
                    for (int i = 0; i < each; ++i) {
                        const std::string name = std::to_string(t) + "-" + std::to_string(i);
                        const int64_t id = catalog.store(make_variant("shared", name));
                        catalog.add_speed(make_speed(id, "machine", i + 1));
                        catalog.store(make_variant("shared", "fought over"));
                    }
                } catch (const std::exception &e) {
                    errors[static_cast<size_t>(t)] = e.what();
                }
            });
        for (std::thread &thread : running) thread.join();
        for (const std::string &error : errors) CHECK(error.empty());
        Catalog catalog(path);
        CHECK(catalog.list("shared", "machine").size() == threads * each + 1);
    }
}

TEST_CASE("a reader sees one moment while another connection writes", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    Catalog reader(path), writer(path);
    VariantRecord v = make_variant("m", "v");
    const int64_t id = writer.store(v);
    std::thread thread([&] {
        for (size_t i = 1; i <= 40; ++i) {
            v.digest = std::to_string(i);
            v.recipe.assign(i, v.recipe[0]);
            v.files.assign(i, v.files[0]);
            writer.store(v);
        }
    });
    int torn = 0;
    for (int i = 0; i < 200; ++i) {
        const VariantRecord seen = reader.load(id);
        if (seen.digest == "d-m-v") continue;
        const size_t expected = std::stoul(seen.digest);
        torn += seen.recipe.size() != expected || seen.files.size() != expected;
    }
    thread.join();
    CHECK(torn == 0);
    CHECK(reader.load(id).recipe.size() == 40);
}

TEST_CASE("a catalog that stays locked is reported as busy", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    Catalog catalog(path);
    catalog.store(make_variant("m", "v"));
    sqlite::Database other(path, sqlite::Access::existing);
    const sqlite::Transaction held(other, sqlite::Transaction::Kind::write);
    require_error(QUANT_ERR_BUSY, {"catalog.db", "locked"}, [&] { catalog.store(make_variant("m", "w")); });
    CHECK(catalog.list("", "").size() == 1); // Reading goes on.
}
