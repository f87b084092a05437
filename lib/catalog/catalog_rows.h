// What the catalog's source files share: the connection, and how a row of the
// variants table becomes a record.
#pragma once

#include "catalog/catalog.h"
#include "catalog/sqlite_database.h"
#include "catalog/sqlite_statement.h"

#include <string>
#include <string_view>

namespace quant {

struct Catalog::State {
    std::filesystem::path path; ///< As given.
    sqlite::Database db;
};

namespace rows {

/// The columns that variant() reads, and where they come from: "SELECT columns [, more] from [WHERE ...]".
inline constexpr std::string_view variant_columns =
    "v.id, m.name, v.name, v.architecture, v.path, v.parameters, v.bytes, v.bits_per_weight, v.digest,"
    " v.base_id, bm.name || ':' || b.name, v.owned, v.type, v.method, v.library_version, v.created,"
    " v.calibration, v.predicted_kld, v.adapters";
inline constexpr std::string_view variant_from =
    " FROM variants v JOIN models m ON m.id = v.model_id"
    " LEFT JOIN variants b ON b.id = v.base_id LEFT JOIN models bm ON bm.id = b.model_id";
inline constexpr int variant_column_count = 19;

/// The current row's first columns, without files and recipe.
VariantRecord variant(const sqlite::Statement &row);

/// The name of a variant that must be there. Throws Error (QUANT_ERR_NOT_FOUND).
std::string require_name(sqlite::Database &db, int64_t id);

/// Measurements and speeds of one variant, for another one too.
void copy_numbers(sqlite::Database &db, int64_t from, int64_t to);

/// This second, RFC 3339 in UTC.
std::string now();

} // namespace rows
} // namespace quant
