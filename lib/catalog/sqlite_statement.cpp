#include "catalog/sqlite_statement.h"

#include "base/checked.h"
#include "base/error.h"
#include "catalog/sqlite_database.h"

#include <sqlite3.h>

#include <cmath>
#include <limits>

namespace quant::sqlite {

namespace {
constexpr std::string_view doing = "read or change the catalog";
}

Statement::Statement(Database &db, std::string_view sql) : db_(db) {
    check(sqlite3_prepare_v2(db.handle(), sql.data(), static_cast<int>(sql.size()), &handle_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::check(int code) const {
    if (code != SQLITE_OK) db_.fail_with(code, doing);
}

void Statement::restart() {
    sqlite3_reset(handle_); // Repeats the failure of the last step, which was thrown then.
    bound_ = 0;
}

void Statement::bind(std::string_view value) {
    // A null pointer would be bound as NULL, and an empty string is not that.
    const char *data = value.data() ? value.data() : "";
    check(sqlite3_bind_text64(handle_, ++bound_, data, value.size(), SQLITE_TRANSIENT, SQLITE_UTF8));
}

void Statement::bind(int64_t value) { check(sqlite3_bind_int64(handle_, ++bound_, value)); }

void Statement::bind(uint64_t value) {
    const auto number = checked_cast<int64_t>(value);
    if (!number)
        fail(QUANT_ERR_LIMIT, "{}: {} is more than the catalog can hold in a number",
             printable(db_.path().string(), 4096), value);
    bind(*number);
}

void Statement::bind(double value) {
    if (std::isnan(value)) check(sqlite3_bind_null(handle_, ++bound_));
    else check(sqlite3_bind_double(handle_, ++bound_, value));
}

void Statement::bind(OptionalId id) {
    if (id.value == 0) check(sqlite3_bind_null(handle_, ++bound_));
    else bind(id.value);
}

bool Statement::step() {
    const int code = sqlite3_step(handle_);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) db_.fail_with(code, doing);
    return false;
}

void Statement::run() {
    while (step()) {}
}

int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

uint64_t Statement::unsigned_integer(int column) const {
    const int64_t value = integer(column);
    if (value < 0) out_of_range(column, value);
    return static_cast<uint64_t>(value);
}

uint32_t Statement::small_integer(int column) const {
    const int64_t value = integer(column);
    if (!checked_cast<uint32_t>(value)) out_of_range(column, value);
    return static_cast<uint32_t>(value);
}

double Statement::real(int column) const {
    if (sqlite3_column_type(handle_, column) == SQLITE_NULL) return std::numeric_limits<double>::quiet_NaN();
    return sqlite3_column_double(handle_, column);
}

std::string Statement::text(int column) const {
    const bool null = sqlite3_column_type(handle_, column) == SQLITE_NULL;
    const unsigned char *data = sqlite3_column_text(handle_, column);
    if (!data && !null) db_.fail_with(SQLITE_NOMEM, doing);
    if (!data) return {};
    return {reinterpret_cast<const char *>(data), static_cast<size_t>(sqlite3_column_bytes(handle_, column))};
}

void Statement::out_of_range(int column, int64_t value) const {
    const char *name = sqlite3_column_name(handle_, column);
    fail(QUANT_ERR_CATALOG, "{}: the column \"{}\" holds {}, which is outside its range",
         printable(db_.path().string(), 4096), name ? name : "?", value);
}

} // namespace quant::sqlite
