// A prepared statement: values go in as parameters and never as text of the SQL,
// and come out checked. NULL stands for NaN, and for the row id 0 that means "none".
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3_stmt;

namespace quant::sqlite {

class Database;

/// A row id where 0, stored as NULL, means none.
struct OptionalId {
    int64_t value;
};

class Statement {
public:
    Statement(Database &db, std::string_view sql);
    ~Statement();
    Statement(const Statement &) = delete;
    Statement &operator=(const Statement &) = delete;

    /// Start anew with these parameters, in order.
    template <class... Values>
    Statement &with(const Values &...values) {
        restart();
        (bind(values), ...);
        return *this;
    }
    void restart();
    /// The next parameter. Throws Error (QUANT_ERR_LIMIT) for what SQLite cannot hold.
    void bind(std::string_view value);
    void bind(int64_t value);
    void bind(uint64_t value);
    void bind(uint32_t value) { bind(static_cast<int64_t>(value)); }
    void bind(bool value) { bind(static_cast<int64_t>(value)); }
    void bind(double value);
    void bind(OptionalId id);

    /// Go to the next row; false at the end.
    bool step();
    /// Run to the end.
    void run();

    /// Columns of the current row. Throws Error (QUANT_ERR_CATALOG) for a number out of range.
    int64_t integer(int column) const;
    uint64_t unsigned_integer(int column) const;
    uint32_t small_integer(int column) const;
    double real(int column) const;
    std::string text(int column) const;

private:
    [[noreturn]] void out_of_range(int column, int64_t value) const;
    void check(int code) const;

    Database &db_;
    sqlite3_stmt *handle_ = nullptr;
    int bound_ = 0;
};

} // namespace quant::sqlite
