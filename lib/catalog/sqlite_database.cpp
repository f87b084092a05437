#include "catalog/sqlite_database.h"

#include "base/error.h"
#include "catalog/sqlite_statement.h"

#include <fcntl.h>
#include <sqlite3.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

namespace quant::sqlite {

namespace {

constexpr int busy_timeout_ms = 5000;

// What SQLite's codes mean to our callers. The extended code is looked up first,
// then the primary one; codes that carry an errno are in neither place.
struct CodeStatus {
    int code;
    quant_status status;
};
constexpr CodeStatus code_statuses[] = {
    {SQLITE_READONLY_DBMOVED, QUANT_ERR_NOT_FOUND},
    {SQLITE_IOERR_NOMEM, QUANT_ERR_NO_MEMORY},
    {SQLITE_IOERR_CORRUPTFS, QUANT_ERR_CATALOG},
    {SQLITE_CONSTRAINT_UNIQUE, QUANT_ERR_EXISTS},
    {SQLITE_CONSTRAINT_PRIMARYKEY, QUANT_ERR_EXISTS},
    {SQLITE_CONSTRAINT_FOREIGNKEY, QUANT_ERR_NOT_FOUND},
    {SQLITE_ERROR, QUANT_ERR_CATALOG}, // Such as "no such table": not the schema its version promises.
    {SQLITE_SCHEMA, QUANT_ERR_CATALOG},
    {SQLITE_CORRUPT, QUANT_ERR_CATALOG},
    {SQLITE_NOTADB, QUANT_ERR_CATALOG},
    {SQLITE_FORMAT, QUANT_ERR_CATALOG},
    {SQLITE_BUSY, QUANT_ERR_BUSY},
    {SQLITE_LOCKED, QUANT_ERR_BUSY},
    {SQLITE_PROTOCOL, QUANT_ERR_BUSY},
    {SQLITE_FULL, QUANT_ERR_NO_SPACE},
    {SQLITE_READONLY, QUANT_ERR_PERMISSION},
    {SQLITE_PERM, QUANT_ERR_PERMISSION},
    {SQLITE_AUTH, QUANT_ERR_PERMISSION},
    {SQLITE_NOMEM, QUANT_ERR_NO_MEMORY},
    {SQLITE_TOOBIG, QUANT_ERR_LIMIT},
    {SQLITE_CONSTRAINT, QUANT_ERR_ARGUMENT},
    {SQLITE_INTERRUPT, QUANT_ERR_CANCELLED},
    {SQLITE_IOERR, QUANT_ERR_IO},
    {SQLITE_CANTOPEN, QUANT_ERR_IO},
};

quant_status status_of(int code) {
    for (const int wanted : {code, code & 0xff})
        for (const CodeStatus &row : code_statuses)
            if (row.code == wanted) return row.status;
    return QUANT_ERR_INTERNAL;
}

// Settings of a connection that are switches of SQLite's and no pragmas: a schema
// that somebody else wrote must not be able to run functions or damage the file.
struct Switch {
    int option, value;
};
constexpr Switch switches[] = {
    {SQLITE_DBCONFIG_DEFENSIVE, 1}, {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0}, {SQLITE_DBCONFIG_ENABLE_FKEY, 1},
    {SQLITE_DBCONFIG_DQS_DML, 0},   {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0},
};

// The errno of the last failure on the file or on the log beside it.
int file_errno(sqlite3 *db, int which) {
    sqlite3_file *file = nullptr;
    int error = 0;
    if (sqlite3_file_control(db, "main", which, &file) != SQLITE_OK || !file || !file->pMethods) return 0;
    if (file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &error) != SQLITE_OK) return 0;
    return error;
}

// Why the system refused, or 0 if nobody knows. The errno that SQLite keeps for the
// connection is of its last attempt and not of the one that mattered: a file it may
// not make it tries to read, and after a write that failed it cleans up.
int system_error(sqlite3 *db, int code, const std::filesystem::path &path) {
    if ((code & 0xff) == SQLITE_CANTOPEN) {
        const int access = ::faccessat(AT_FDCWD, path.parent_path().c_str(), W_OK | X_OK, AT_EACCESS);
        if (access != 0) return errno;
    } else {
        for (const int which : {SQLITE_FCNTL_JOURNAL_POINTER, SQLITE_FCNTL_FILE_POINTER})
            if (const int error = file_errno(db, which); error != 0) return error;
    }
    const int last = sqlite3_system_errno(db);
    return last == ENOENT || last == ENOTDIR ? 0 : last;
}

std::string frozen_uri(const std::string &path) {
    std::string uri = "file:";
    for (const char c : path) {
        const auto byte = static_cast<unsigned char>(c);
        const bool plain = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
                           (byte >= '0' && byte <= '9') || c == '/' || c == '.' || c == '-' || c == '_';
        if (plain) uri += c;
        else uri += fmt::format("%{:02x}", byte);
    }
    return uri + "?immutable=1";
}

} // namespace

Database::Database(const std::filesystem::path &path, Access access) : path_(std::filesystem::absolute(path)) {
    const bool frozen = access == Access::frozen;
    const std::string name = frozen ? frozen_uri(path_.string()) : path_.string();
    int flags = SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    flags |= frozen ? SQLITE_OPEN_READONLY | SQLITE_OPEN_URI : SQLITE_OPEN_READWRITE;
    if (access == Access::create) flags |= SQLITE_OPEN_CREATE;
    try {
        const int code = sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr);
        if (code != SQLITE_OK) fail_with(code, "open the catalog");
        configure();
    } catch (...) {
        close();
        throw;
    }
}

Database::~Database() { close(); }

Database::Database(Database &&other) noexcept
    : path_(std::move(other.path_)), handle_(std::exchange(other.handle_, nullptr)) {}

Database &Database::operator=(Database &&other) noexcept {
    if (this != &other) {
        close();
        path_ = std::move(other.path_);
        handle_ = std::exchange(other.handle_, nullptr);
    }
    return *this;
}

void Database::close() noexcept {
    sqlite3_close_v2(handle_);
    handle_ = nullptr;
}

void Database::configure() {
    for (const Switch &s : switches) {
        const int code = sqlite3_db_config(handle_, s.option, s.value, nullptr);
        if (code != SQLITE_OK) fail_with(code, "set up the connection");
    }
    sqlite3_busy_timeout(handle_, busy_timeout_ms);
    execute("PRAGMA synchronous=FULL; PRAGMA cell_size_check=ON;", "set up the connection");
}

void Database::execute(const std::string &sql, std::string_view doing) {
    const int code = sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr);
    if (code != SQLITE_OK) fail_with(code, doing);
}

int64_t Database::query_integer(std::string_view sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::string Database::query_text(std::string_view sql) {
    Statement statement(*this, sql);
    return statement.step() ? statement.text(0) : std::string();
}

bool Database::in_transaction() const noexcept { return sqlite3_get_autocommit(handle_) == 0; }

void Database::fail_with(int code, std::string_view doing) const {
    std::string why = sqlite3_errstr(code);
    if (handle_ && sqlite3_extended_errcode(handle_) == code) why = sqlite3_errmsg(handle_);
    const int system = handle_ && status_of(code) == QUANT_ERR_IO ? system_error(handle_, code, path_) : 0;
    if (system != 0) fail_errno(system, doing, path_.string());
    fail(status_of(code), "{}: cannot {}: {}", printable(path_.string(), 4096), doing, printable(why, 400));
}

Transaction::Transaction(Database &db, Kind kind) : db_(db) {
    db_.execute(kind == Kind::write ? "BEGIN IMMEDIATE" : "BEGIN", "begin a change of the catalog");
}

Transaction::~Transaction() {
    // Some failures, a full disk among them, have rolled back already.
    if (db_.in_transaction()) sqlite3_exec(db_.handle(), "ROLLBACK", nullptr, nullptr, nullptr);
}

void Transaction::commit() { db_.execute("COMMIT", "make the change durable"); }

} // namespace quant::sqlite
