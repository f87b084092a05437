// One connection to an SQLite file, opened the way we want every one opened, and
// the one place where SQLite's result codes become our statuses. A connection is
// used by one thread at a time and must not be carried across fork().
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

struct sqlite3;

namespace quant::sqlite {

enum class Access {
    create,   ///< Read and write; made where there is none. Falls back to reading where writing is not allowed.
    existing, ///< Read and write, but never made.
    frozen,   ///< Read a file that nobody changes: no locks, no files beside it.
};

class Database {
public:
    /// `path` is made absolute, so no name has a special meaning to SQLite.
    Database(const std::filesystem::path &path, Access access);
    ~Database();
    Database(Database &&other) noexcept;
    Database &operator=(Database &&other) noexcept;

    /// Run statements that give no rows. `doing` completes "cannot ..." in a message.
    void execute(const std::string &sql, std::string_view doing);
    /// The single integer that a statement such as "PRAGMA user_version" gives.
    int64_t query_integer(std::string_view sql);
    std::string query_text(std::string_view sql);
    bool in_transaction() const noexcept;

    const std::filesystem::path &path() const noexcept { return path_; }
    sqlite3 *handle() const noexcept { return handle_; }

    /// Throw the Error for `code`, the result of the last call on this connection.
    [[noreturn]] void fail_with(int code, std::string_view doing) const;

private:
    void configure();
    void close() noexcept;

    std::filesystem::path path_;
    sqlite3 *handle_ = nullptr;
};

/// A transaction that is rolled back unless commit() was reached.
class Transaction {
public:
    enum class Kind {
        read,  ///< What is read is of one moment.
        write, ///< Takes the write lock at once, so that it cannot fail half-way for want of it.
    };
    Transaction(Database &db, Kind kind);
    ~Transaction();
    Transaction(const Transaction &) = delete;
    Transaction &operator=(const Transaction &) = delete;

    void commit();

private:
    Database &db_;
};

} // namespace quant::sqlite
