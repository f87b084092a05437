// Rules of the tables: names compare without case; an id is never used twice, so
// that one held by another process cannot come to mean something else; a number
// that was not measured is NULL; what belongs to a variant goes with it, but what
// only refers to it stays. Recipes are the bulk of the file, therefore they lie in
// a table of their own, in the order they are read.
#include "catalog/catalog_schema.h"

#include "base/error.h"
#include "base/file.h"
#include "catalog/sqlite_statement.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>

namespace quant {

namespace fs = std::filesystem;

namespace {

constexpr const char *version_1 = R"sql(
CREATE TABLE models (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    name    TEXT NOT NULL COLLATE NOCASE,
    created TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX models_by_name ON models (name);

CREATE TABLE variants (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    model_id        INTEGER NOT NULL REFERENCES models (id) ON DELETE CASCADE,
    name            TEXT NOT NULL COLLATE NOCASE,
    architecture    TEXT NOT NULL,
    path            TEXT NOT NULL,
    parameters      INTEGER NOT NULL CHECK (parameters >= 0),
    bytes           INTEGER NOT NULL CHECK (bytes >= 0),
    bits_per_weight REAL,
    digest          TEXT NOT NULL,
    base_id         INTEGER REFERENCES variants (id) ON DELETE SET NULL,
    owned           INTEGER NOT NULL CHECK (owned IN (0, 1)),
    type            TEXT NOT NULL,
    method          TEXT NOT NULL,
    library_version TEXT NOT NULL,
    created         TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX variants_by_name ON variants (model_id, name);
CREATE INDEX variants_by_path ON variants (path);
CREATE INDEX variants_by_digest ON variants (digest);
CREATE INDEX variants_by_base ON variants (base_id);

CREATE TABLE files (
    variant_id INTEGER NOT NULL REFERENCES variants (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    path       TEXT NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    sha256     TEXT NOT NULL,
    mtime_ns   INTEGER NOT NULL,
    PRIMARY KEY (variant_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE recipes (
    variant_id INTEGER NOT NULL REFERENCES variants (id) ON DELETE CASCADE,
    position   INTEGER NOT NULL,
    tensor     TEXT NOT NULL,
    shape      TEXT NOT NULL,
    encoding   TEXT NOT NULL,
    method     TEXT NOT NULL,
    bytes      INTEGER NOT NULL CHECK (bytes >= 0),
    rmse       REAL,
    relative   REAL,
    PRIMARY KEY (variant_id, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE measurements (
    id              INTEGER PRIMARY KEY AUTOINCREMENT,
    variant_id      INTEGER NOT NULL REFERENCES variants (id) ON DELETE CASCADE,
    base_id         INTEGER REFERENCES variants (id) ON DELETE SET NULL,
    base            TEXT NOT NULL,
    base_digest     TEXT NOT NULL,
    variant_digest  TEXT NOT NULL,
    text_name       TEXT NOT NULL,
    text_sha256     TEXT NOT NULL,
    library_version TEXT NOT NULL,
    created         TEXT NOT NULL,
    context_length  INTEGER NOT NULL CHECK (context_length >= 0),
    chunks          INTEGER NOT NULL CHECK (chunks >= 0),
    tokens          INTEGER NOT NULL CHECK (tokens >= 0),
    ppl REAL, ppl_se REAL, base_ppl REAL, base_ppl_se REAL, ln_ratio REAL, ln_ratio_se REAL,
    kld_mean REAL, kld_se REAL, kld_median REAL, kld_p99 REAL, kld_p999 REAL, kld_max REAL,
    top1 REAL, top1_se REAL, dp_mean REAL, dp_rms REAL, seconds REAL
) STRICT;
CREATE INDEX measurements_by_variant ON measurements (variant_id);
CREATE INDEX measurements_by_base ON measurements (base_id);

CREATE TABLE machines (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    fingerprint  TEXT NOT NULL,
    cpu          TEXT NOT NULL,
    cores        INTEGER NOT NULL CHECK (cores >= 0),
    memory_bytes INTEGER NOT NULL CHECK (memory_bytes >= 0)
) STRICT;
CREATE UNIQUE INDEX machines_by_fingerprint ON machines (fingerprint);

CREATE TABLE speeds (
    id                 INTEGER PRIMARY KEY AUTOINCREMENT,
    variant_id         INTEGER NOT NULL REFERENCES variants (id) ON DELETE CASCADE,
    machine_id         INTEGER NOT NULL REFERENCES machines (id) ON DELETE CASCADE,
    tier               TEXT NOT NULL,
    threads            INTEGER NOT NULL CHECK (threads >= 0),
    prefill_per_second REAL,
    decode_per_second  REAL,
    library_version    TEXT NOT NULL,
    created            TEXT NOT NULL
) STRICT;
CREATE INDEX speeds_by_variant ON speeds (variant_id, machine_id);
CREATE INDEX speeds_by_machine ON speeds (machine_id);
)sql";

// What was measured before had its activations in float32.
constexpr const char *version_2 = "ALTER TABLE measurements ADD COLUMN activations TEXT NOT NULL DEFAULT 'f32'";

// How a variant was calibrated, and what its plan promised.
constexpr const char *version_3 = R"sql(
ALTER TABLE variants ADD COLUMN calibration TEXT NOT NULL DEFAULT '';
ALTER TABLE variants ADD COLUMN predicted_kld REAL NOT NULL DEFAULT -1;
)sql";

// What was merged into a variant.
constexpr const char *version_4 = "ALTER TABLE variants ADD COLUMN adapters TEXT NOT NULL DEFAULT ''";

constexpr const char *released_steps[] = {version_1, version_2, version_3, version_4};

void sync_path(const fs::path &path, int flags) {
    const Descriptor fd(::open(path.c_str(), flags | O_CLOEXEC));
    if (!fd || ::fsync(fd.get()) != 0) fail_errno(errno, "sync the copy made before migrating", path.string());
}

// The caller holds the write lock, so a second connection copies what is committed
// and nobody can change it meanwhile.
void back_up(const fs::path &path, int64_t version) {
    const fs::path target = catalog_backup_path(path, version);
    fs::path part = target;
    part += ".part";
    std::error_code ignored;
    fs::remove(part, ignored); // Of a process that died here.
    try {
        sqlite::Database reader(path, sqlite::Access::existing);
        sqlite::Statement(reader, "VACUUM INTO ?").with(part.string()).run();
        sync_path(part, O_RDONLY);
        if (::rename(part.c_str(), target.c_str()) != 0) fail_errno(errno, "rename into place", target.string());
        sync_path(target.parent_path(), O_RDONLY | O_DIRECTORY);
    } catch (...) {
        fs::remove(part, ignored);
        throw;
    }
}

} // namespace

Migrations catalog_migrations() { return released_steps; }

fs::path catalog_backup_path(const fs::path &path, int64_t version) {
    fs::path backup = path;
    backup += fmt::format(".v{}.backup", version);
    return backup;
}

int64_t catalog_version(sqlite::Database &db, Migrations steps) {
    const int64_t id = db.query_integer("PRAGMA application_id");
    const int64_t version = db.query_integer("PRAGMA user_version");
    const std::string name = printable(db.path().string(), 4096);
    if (id == 0 && version == 0 && db.query_integer("SELECT count(*) FROM sqlite_schema") == 0) return 0;
    if (id != catalog_application_id)
        fail(QUANT_ERR_CATALOG, "{}: is a database of another program: its application_id is {}, expected {}", name,
             id, catalog_application_id);
    const auto newest = static_cast<int64_t>(steps.size());
    if (version > newest)
        fail(QUANT_ERR_CATALOG, "{}: is a catalog of version {}, but this library knows only versions up to {}", name,
             version, newest);
    if (version < 1)
        fail(QUANT_ERR_CATALOG, "{}: is damaged: its version is {}, expected 1 to {}", name, version, newest);
    return version;
}

void migrate_catalog(sqlite::Database &db, Migrations steps) {
    for (bool first = true;; first = false) {
        sqlite::Transaction transaction(db, sqlite::Transaction::Kind::write);
        // Asked again under the lock: another process may have done it while we waited.
        const int64_t version = catalog_version(db, steps);
        if (version == static_cast<int64_t>(steps.size())) return;
        if (first && version > 0) back_up(db.path(), version);
        db.execute(steps[static_cast<size_t>(version)], fmt::format("migrate the catalog to version {}", version + 1));
        db.execute(fmt::format("PRAGMA application_id={}; PRAGMA user_version={}", catalog_application_id, version + 1),
                   "mark the catalog's version");
        transaction.commit();
    }
}

} // namespace quant
