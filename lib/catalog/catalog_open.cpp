// Opening the catalog: its folder, what the file is, and whether it may be written.
// Nothing is changed before the file is known to be ours. Where the user may read
// but not write, the catalog can still be listed.
#include "base/error.h"
#include "base/log.h"
#include "catalog/catalog_rows.h"
#include "catalog/catalog_schema.h"

#include <sys/stat.h>

#include <cerrno>
#include <chrono>
#include <system_error>
#include <thread>

namespace quant {

namespace fs = std::filesystem;
using sqlite::Access;
using sqlite::Database;
using sqlite::Transaction;

namespace {

constexpr std::chrono::seconds wal_patience{5};
constexpr std::chrono::milliseconds wal_pause{5};

void make_folder(const fs::path &file) {
    std::error_code error;
    fs::create_directories(file.parent_path(), error);
    if (!error) return;
    if (error.value() == ENOTDIR || error.value() == EEXIST)
        fail(QUANT_ERR_IO, "{}: cannot make the catalog's folder: a part of the path is a file",
             printable(file.string(), 4096));
    fail_errno(error.value(), "make the catalog's folder", file.string());
}

// A FIFO would make us wait, and a folder gives a message that explains nothing.
void require_regular(const fs::path &file) {
    struct stat info;
    if (::stat(file.c_str(), &info) != 0) {
        if (errno != ENOENT) fail_errno(errno, "open the catalog", file.string());
    } else if (!S_ISREG(info.st_mode)) {
        fail(QUANT_ERR_CATALOG, "{}: expected a catalog, which is a regular file, found {}",
             printable(file.string(), 4096), S_ISDIR(info.st_mode) ? "a folder" : "something else");
    }
}

int64_t version_of(Database &db) {
    const Transaction moment(db, Transaction::Kind::read);
    return catalog_version(db, catalog_migrations());
}

// SQLite does not wait for other connections when the journal's kind changes, so we do.
void use_wal(Database &db) {
    const auto deadline = std::chrono::steady_clock::now() + wal_patience;
    for (;;) {
        try {
            if (db.query_text("PRAGMA journal_mode=WAL") != "wal")
                log(QUANT_LOG_WARNING, "{}: this file system has no shared memory, so readers and writers exclude "
                    "each other", printable(db.path().string(), 4096));
            return;
        } catch (const Error &e) {
            if (e.status() != QUANT_ERR_BUSY || std::chrono::steady_clock::now() > deadline) throw;
        }
        std::this_thread::sleep_for(wal_pause);
    }
}

Database open_writable(const fs::path &path) {
    Database db(path, Access::create);
    const int64_t version = version_of(db);
    const bool up_to_date = version == static_cast<int64_t>(catalog_migrations().size());
    if (up_to_date && db.query_text("PRAGMA journal_mode") == "wal") return db;
    use_wal(db);
    if (!up_to_date) migrate_catalog(db, catalog_migrations());
    return db;
}

// A catalog in a folder where the log and its index cannot be made. It is complete
// without them if the last writer closed it, which shows in that there is no log.
Database open_frozen(const fs::path &path) {
    fs::path log_file = path;
    log_file += "-wal";
    std::error_code error;
    const bool complete = !fs::exists(log_file, error) || fs::file_size(log_file, error) == 0;
    if (!complete || error)
        fail(QUANT_ERR_PERMISSION, "{}: cannot read the catalog's log beside it without permission to write there",
             printable(path.string(), 4096));
    Database db(path, Access::frozen);
    if (const int64_t version = version_of(db); version != static_cast<int64_t>(catalog_migrations().size()))
        fail(QUANT_ERR_PERMISSION, "{}: is a catalog of version {}, and there is no permission to migrate it to {}",
             printable(path.string(), 4096), version, catalog_migrations().size());
    return db;
}

Database open_catalog(const fs::path &path) {
    const fs::path absolute = fs::absolute(path);
    make_folder(absolute);
    require_regular(absolute);
    try {
        return open_writable(absolute);
    } catch (const Error &e) {
        std::error_code error;
        if (e.status() != QUANT_ERR_PERMISSION || !fs::exists(absolute, error)) throw;
    }
    return open_frozen(absolute);
}

} // namespace

Catalog::Catalog(const fs::path &path) : state_(new State{path, open_catalog(path)}) {}
Catalog::~Catalog() = default;
Catalog::Catalog(Catalog &&) noexcept = default;

const fs::path &Catalog::path() const { return state_->path; }

} // namespace quant
