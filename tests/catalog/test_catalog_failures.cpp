// What the catalog does with files that are not its own, damaged, too new, or in places it may not write.
#include "catalog_support.h"

#include "catalog/catalog_schema.h"
#include "catalog/sqlite_statement.h"

#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <functional>
#include <random>

using namespace quant;
using namespace quant::test;
using sqlite::Access;
using sqlite::Database;

namespace {

constexpr const char *step_2 = "ALTER TABLE models ADD COLUMN licence TEXT NOT NULL DEFAULT 'unknown'";
constexpr const char *broken_step = "CREATE TABLE half (a) STRICT; CREATE TABLE variants (a INTEGER) STRICT";

void make_catalog(const std::filesystem::path &path, int variants = 3) {
    Catalog catalog(path);
    for (int i = 0; i < variants; ++i) {
        const int64_t id = catalog.store(make_variant("model", fmt::format("v{}", i)));
        catalog.add_measurement(make_measurement(id, 0, 10 + i));
    }
}

void run_sql(const std::filesystem::path &path, const std::string &sql) {
    Database(path, Access::create).execute(sql, "prepare a test");
}

// Runs `body` in a child, which reports through its exit status: 0 if it returned true.
bool in_child(const std::function<bool()> &body) {
    std::fflush(nullptr);
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        bool good = false;
        try {
            good = body();
        } catch (const std::exception &e) {
            std::fprintf(stderr, "in the child: %s\n", e.what());
        }
        ::_exit(good ? 0 : 1);
    }
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool fails_with(quant_status status, const std::function<void()> &body) {
    try {
        body();
    } catch (const Error &e) {
        if (e.status() == status) return true;
        std::fprintf(stderr, "expected %s: %s: %s\n", status_name(status), status_name(e.status()), e.what());
        return false;
    }
    std::fprintf(stderr, "expected %s, but nothing was thrown\n", status_name(status));
    return false;
}

constexpr uid_t nobody = 65534;

// Permissions say nothing to root, so the child becomes somebody else first.
bool drop_root() { return ::geteuid() != 0 || ::setresuid(nobody, nobody, nobody) == 0; }

} // namespace

TEST_CASE("the file says what it is: WAL, application_id, version", "[catalog]") {
    ScratchFolder scratch;
    make_catalog(scratch / "catalog.db");
    Database db(scratch / "catalog.db", Access::existing);
    CHECK(db.query_text("PRAGMA journal_mode") == "wal");
    CHECK(db.query_integer("PRAGMA application_id") == catalog_application_id);
    CHECK(db.query_integer("PRAGMA user_version") == static_cast<int64_t>(catalog_migrations().size()));
    CHECK(db.query_integer("PRAGMA foreign_keys") == 1);
    CHECK(db.query_integer("PRAGMA synchronous") == 2);
    CHECK(db.query_integer("PRAGMA trusted_schema") == 0);
    CHECK(db.query_integer("PRAGMA busy_timeout") == 5000);
    CHECK(db.query_text("PRAGMA quick_check") == "ok");
    const std::string bytes = read_file(scratch / "catalog.db");
    CHECK(bytes.substr(68, 4) == "Qnt1");
}

TEST_CASE("a database of another program is refused and left as it was", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    SECTION("one with an application_id") {
        run_sql(path, "PRAGMA application_id=4242; PRAGMA user_version=1; CREATE TABLE t (a)");
        const std::string before = read_file(path);
        require_error(QUANT_ERR_CATALOG, {"catalog.db", "4242", std::to_string(catalog_application_id)},
                      [&] { Catalog catalog(path); });
        CHECK(read_file(path) == before);
    }
    SECTION("one without") {
        run_sql(path, "CREATE TABLE t (a)");
        const std::string before = read_file(path);
        require_error(QUANT_ERR_CATALOG, {"catalog.db", "another program"}, [&] { Catalog catalog(path); });
        CHECK(read_file(path) == before);
    }
    SECTION("an empty one becomes a catalog") {
        write_file(path, "");
        make_catalog(path, 1);
        CHECK(Catalog(path).list("", "").size() == 1);
    }
}

TEST_CASE("a catalog of a newer version is refused", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    make_catalog(path);
    run_sql(path, "PRAGMA user_version=77");
    require_error(QUANT_ERR_CATALOG, {"catalog.db", "77", std::to_string(catalog_migrations().size())},
                  [&] { Catalog catalog(path); });
    run_sql(path, "PRAGMA user_version=-1");
    require_error(QUANT_ERR_CATALOG, {"catalog.db", "-1"}, [&] { Catalog catalog(path); });
}

TEST_CASE("an older catalog is copied and then migrated, once", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "cat'alog.db";
    make_catalog(path);
    std::vector<const char *> steps(catalog_migrations().begin(), catalog_migrations().end());
    const auto old_version = static_cast<int64_t>(steps.size());
    const auto backup = catalog_backup_path(path, old_version);
    {
        Database db(path, Access::existing);
        migrate_catalog(db, steps);
        CHECK_FALSE(std::filesystem::exists(backup)); // There was nothing to do.
        steps.push_back(step_2);
        write_file(backup.string() + ".part", "left by a process that died");
        migrate_catalog(db, steps);
        CHECK(catalog_version(db, steps) == old_version + 1);
        CHECK(db.query_integer("SELECT count(*) FROM models WHERE licence = 'unknown'") == 1);
        CHECK(db.query_integer("SELECT count(*) FROM measurements") == 3);
    }
    CHECK_FALSE(std::filesystem::exists(backup.string() + ".part"));
    Catalog old(backup);
    CHECK(old.list("", "").size() == 3);
    Database kept(backup, Access::existing);
    CHECK(kept.query_integer("PRAGMA user_version") == old_version);
    CHECK(kept.query_integer("PRAGMA application_id") == catalog_application_id);
}

TEST_CASE("measurements of the first version had activations in float32", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    run_sql(path, "PRAGMA user_version=0");
    {
        Database db(path, Access::existing);
        migrate_catalog(db, catalog_migrations().first(1));
    }
    run_sql(path, "INSERT INTO models (name, created) VALUES ('m', '');"
                  "INSERT INTO variants (model_id, name, architecture, path, parameters, bytes, digest, owned, type,"
                  " method, library_version, created) VALUES (1, 'F16', '', '/m', 1, 1, '', 0, '', '', '', '');"
                  "INSERT INTO measurements (variant_id, base, base_digest, variant_digest, text_name, text_sha256,"
                  " library_version, created, context_length, chunks, tokens)"
                  " VALUES (1, '', '', '', '', '', '', '', 1, 1, 1)");
    Catalog catalog(path);
    REQUIRE(catalog.measurements(1).size() == 1);
    CHECK(catalog.measurements(1)[0].activations == "f32");
}

TEST_CASE("a migration that fails leaves the version before it", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    make_catalog(path);
    std::vector<const char *> steps(catalog_migrations().begin(), catalog_migrations().end());
    steps.push_back(step_2);
    steps.push_back(broken_step);
    Database db(path, Access::existing);
    require_error(QUANT_ERR_CATALOG, {"catalog.db", fmt::format("version {}", steps.size())}, [&] { migrate_catalog(db, steps); });
    CHECK(db.query_integer("PRAGMA user_version") == static_cast<int64_t>(steps.size()) - 1);
    CHECK(db.query_integer("SELECT count(*) FROM sqlite_schema WHERE name = 'half'") == 0);
    CHECK(db.query_integer("SELECT count(*) FROM variants") == 3);
}

TEST_CASE("a file that is no database is refused and left as it was", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    for (const std::string &bytes : {std::string("text"), std::string(100, '\0'), std::string(10'000, 'x')}) {
        write_file(path, bytes);
        require_error(QUANT_ERR_CATALOG, {"catalog.db"}, [&] { Catalog catalog(path); });
        CHECK(read_file(path) == bytes);
    }
    require_error(QUANT_ERR_CATALOG, {"a folder"}, [&] { Catalog catalog(scratch.path()); });
    REQUIRE(::mkfifo((scratch / "fifo").c_str(), 0600) == 0);
    require_error(QUANT_ERR_CATALOG, {"fifo", "something else"}, [&] { Catalog catalog(scratch / "fifo"); });
}

TEST_CASE("a damaged page is an error of the catalog, wherever it is", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    make_catalog(path, 60);
    const std::string good = read_file(path);
    constexpr size_t page = 4096;
    REQUIRE(good.size() > 5 * page);
    const unsigned seed = std::random_device{}();
    INFO("seed " << seed);
    std::mt19937 random(seed);

    int refused = 0;
    for (size_t at = 0; at + page <= good.size(); at += page) {
        std::string bad = good;
        for (size_t i = at + (at == 0 ? 100 : 0); i < at + page; ++i) bad[i] = static_cast<char>(random());
        write_file(path, bad);
        try {
            Catalog catalog(path);
            for (const VariantSummary &row : catalog.list("", "here")) {
                catalog.load(row.variant.id);
                catalog.measurements(row.variant.id);
            }
            catalog.store(make_variant("another", "F16"));
        } catch (const Error &e) {
            INFO("page " << at / page << ": " << e.what());
            CHECK((e.status() == QUANT_ERR_CATALOG || e.status() == QUANT_ERR_NOT_FOUND));
            CHECK_THAT(std::string(e.what()), Catch::Contains("catalog.db"));
            refused += e.status() == QUANT_ERR_CATALOG;
        }
        std::filesystem::remove(path.string() + "-wal");
        std::filesystem::remove(path.string() + "-shm");
    }
    CHECK(refused >= 5); // The tables that every use of the file reads.

    write_file(path, good.substr(0, 2 * page + 17));
    require_error(QUANT_ERR_CATALOG, {"catalog.db"}, [&] { Catalog(path).list("", ""); });
}

TEST_CASE("tables other than the version promises are an error of the catalog", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    make_catalog(path);
    SECTION("one is missing") {
        run_sql(path, "DROP TABLE speeds");
        require_error(QUANT_ERR_CATALOG, {"catalog.db", "speeds"}, [&] { Catalog(path).list("", ""); });
    }
    SECTION("one holds a number out of range") {
        run_sql(path, "PRAGMA ignore_check_constraints=1; UPDATE variants SET bytes = -7");
        require_error(QUANT_ERR_CATALOG, {"catalog.db", "bytes", "-7"}, [&] { Catalog(path).list("", ""); });
    }
}

TEST_CASE("a path through a file is refused", "[catalog]") {
    ScratchFolder scratch;
    write_file(scratch / "file", "x");
    require_error(QUANT_ERR_IO, {"file/sub/catalog.db", "folder"},
                  [&] { Catalog catalog(scratch / "file/sub/catalog.db"); });
    require_error(QUANT_ERR_IO, {"file/catalog.db"}, [&] { Catalog catalog(scratch / "file/catalog.db"); });
    CHECK(read_file(scratch / "file") == "x");
}

TEST_CASE("where writing is not allowed, the catalog is listed and not changed", "[catalog]") {
    if (!in_child(drop_root)) {
        WARN("cannot become another user here: permissions are not tested");
        return;
    }
    ScratchFolder scratch;
    const auto folder = scratch / "read #1?only%";
    const auto path = folder / "catalog.db";
    make_catalog(path);
    std::filesystem::create_directory(scratch / "empty");
    ::chmod(scratch.path().c_str(), 0755);
    ::chmod((scratch / "empty").c_str(), 0555);

    const auto listed_not_changed = [&] {
        Catalog catalog(path);
        const auto all = catalog.list("", "here");
        const bool unchanged = fails_with(QUANT_ERR_PERMISSION, [&] { catalog.store(make_variant("m", "new")); }) &&
                               fails_with(QUANT_ERR_PERMISSION, [&] { catalog.remove(all.at(0).variant.id); });
        return all.size() == 3 && catalog.load(all.at(0).variant.id).recipe.size() == 2 && unchanged;
    };
    ::chmod(path.c_str(), 0444);
    ::chmod(folder.c_str(), 0555);
    CHECK(in_child([&] { return drop_root() && listed_not_changed(); }));
    ::chmod(path.c_str(), 0666);
    CHECK(in_child([&] { return drop_root() && listed_not_changed(); }));
    {
        Catalog open_elsewhere(path); // Its log lies beside the file, readable by all.
        CHECK(open_elsewhere.store(make_variant("model", "v0")) == 1);
        for (const char *suffix : {"-wal", "-shm"}) ::chmod((path.string() + suffix).c_str(), 0444);
        CHECK(in_child([&] { return drop_root() && listed_not_changed(); }));
    }
    ::chmod(path.c_str(), 0000);
    const auto refused = [&](const std::filesystem::path &name) {
        return in_child([&] { return drop_root() && fails_with(QUANT_ERR_PERMISSION, [&] { Catalog c(name); }); });
    };
    CHECK(refused(path));
    CHECK(refused(scratch / "empty/catalog.db"));
    CHECK(refused(scratch / "empty/sub/catalog.db"));
    ::chmod(folder.c_str(), 0755);
    CHECK(Catalog(path).list("", "").size() == 3);
}

TEST_CASE("a full disk is reported, and the catalog keeps what it had", "[catalog]") {
    ScratchFolder scratch;
    const auto path = scratch / "catalog.db";
    make_catalog(path);
    CHECK(in_child([&] {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{200'000, 200'000};
        if (::setrlimit(RLIMIT_FSIZE, &limit) != 0) return false;
        Catalog catalog(path);
        VariantRecord big = make_variant("model", "big");
        big.recipe.resize(20'000, big.recipe[0]);
        const bool full = fails_with(QUANT_ERR_NO_SPACE, [&] { catalog.store(big); });
        return full && catalog.list("", "").size() == 3 && catalog.store(make_variant("model", "small")) != 0;
    }));
    Catalog catalog(path);
    CHECK(catalog.list("", "").size() == 4);
    CHECK_FALSE(catalog.find("model", "big"));
}
