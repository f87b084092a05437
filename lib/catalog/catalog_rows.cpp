#include "catalog/catalog_rows.h"

#include "base/error.h"

#include <ctime>

namespace quant::rows {

VariantRecord variant(const sqlite::Statement &row) {
    VariantRecord v;
    int column = 0;
    v.id = row.integer(column++);
    v.model = row.text(column++);
    v.variant = row.text(column++);
    v.architecture = row.text(column++);
    v.path = row.text(column++);
    v.parameters = row.unsigned_integer(column++);
    v.bytes = row.unsigned_integer(column++);
    v.bits_per_weight = row.real(column++);
    v.digest = row.text(column++);
    v.base_id = row.integer(column++);
    v.base = row.text(column++);
    v.owned = row.integer(column++) != 0;
    v.type = row.text(column++);
    v.method = row.text(column++);
    v.library_version = row.text(column++);
    v.created = row.text(column++);
    v.calibration = row.text(column++);
    v.predicted_kld = row.real(column++);
    v.adapters = row.text(column++);
    return v;
}

std::string require_name(sqlite::Database &db, int64_t id) {
    sqlite::Statement query(
        db, "SELECT m.name || ':' || v.name FROM variants v JOIN models m ON m.id = v.model_id WHERE v.id = ?");
    if (!query.with(id).step())
        fail(QUANT_ERR_NOT_FOUND, "{}: there is no variant of number {} in the catalog (any more)",
             printable(db.path().string(), 4096), id);
    return query.text(0);
}

std::string now() {
    const std::time_t seconds = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&seconds, &parts);
    char text[sizeof "2026-03-14T15:09:26Z" + 8];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

} // namespace quant::rows
