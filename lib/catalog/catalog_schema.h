// The catalog's tables, as the list of steps that make them: step i takes a file
// from version i to i + 1. A step that was released is never edited; a change is a
// new step at the end.
#pragma once

#include "catalog/sqlite_database.h"

#include <cstdint>
#include <filesystem>
#include <span>

namespace quant {

/// SQLite's application_id of our files: the bytes "Qnt1" as a big-endian number.
inline constexpr int64_t catalog_application_id = 0x516e7431;

using Migrations = std::span<const char *const>;

/// The released steps.
Migrations catalog_migrations();

/// The version of the file, 0 if it is empty. Throws Error (QUANT_ERR_CATALOG) for
/// a file that is not a catalog or is of a version after the last of `steps`.
int64_t catalog_version(sqlite::Database &db, Migrations steps);

/// Bring the file to the last version, each step in its own transaction. A file
/// that held an older version is copied to catalog_backup_path() first.
void migrate_catalog(sqlite::Database &db, Migrations steps);

/// Where a file of that version is kept when it is migrated.
std::filesystem::path catalog_backup_path(const std::filesystem::path &path, int64_t version);

} // namespace quant
