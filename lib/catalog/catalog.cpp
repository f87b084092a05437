// Variants: finding, storing and removing them. A variant that is stored again
// keeps its number, so that what was made from it stays connected, and loses all
// that was measured on the file it replaces.
#include "catalog/catalog.h"

#include "base/error.h"
#include "base/utf8.h"
#include "catalog/catalog_rows.h"

#include <algorithm>

namespace quant {

using sqlite::Database;
using sqlite::OptionalId;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

constexpr size_t max_name_bytes = 255;
constexpr const char *tables_of_variant[] = {"files", "recipes", "measurements", "speeds"};

// Any text that can be shown and typed again. The colon separates model and variant.
void check_name(const Database &db, std::string_view what, std::string_view name) {
    const bool plain = std::none_of(name.begin(), name.end(), [](char c) {
        const auto byte = static_cast<unsigned char>(c);
        return byte < 0x20 || byte == 0x7f || c == ':';
    });
    if (plain && !name.empty() && name.size() <= max_name_bytes && is_utf8(name)) return;
    fail(QUANT_ERR_ARGUMENT, "{}: \"{}\" cannot be the name of a {}: expected 1 to {} bytes of UTF-8 without ':' and "
         "control characters", printable(db.path().string(), 4096), printable(name), what, max_name_bytes);
}

template <class... Values>
std::optional<VariantRecord> find_where(Database &db, std::string_view condition, const Values &...values) {
    Statement query(db, fmt::format("SELECT {}{} WHERE {} LIMIT 1", rows::variant_columns, rows::variant_from,
                                    condition));
    if (!query.with(values...).step()) return std::nullopt;
    return rows::variant(query);
}

int64_t model_id(Database &db, const std::string &name, const std::string &created) {
    Statement(db, "INSERT INTO models (name, created) VALUES (?, ?) ON CONFLICT (name) DO NOTHING")
        .with(name, created)
        .run();
    Statement query(db, "SELECT id FROM models WHERE name = ?");
    query.with(name).step();
    return query.integer(0);
}

// A chain of bases must end somewhere: whoever follows one relies on it.
void check_base(Database &db, int64_t model, const VariantRecord &v) {
    if (v.base_id == 0) return;
    rows::require_name(db, v.base_id);
    Statement query(db, "WITH RECURSIVE chain (id) AS (VALUES (?) UNION"
                        " SELECT base_id FROM variants JOIN chain USING (id) WHERE base_id IS NOT NULL)"
                        " SELECT 1 FROM chain JOIN variants USING (id) WHERE model_id = ? AND name = ?");
    if (query.with(v.base_id, model, v.variant).step())
        fail(QUANT_ERR_ARGUMENT, "{}: \"{}\" cannot be made from itself", printable(db.path().string(), 4096),
             printable(v.name()));
}

int64_t put_row(Database &db, int64_t model, const VariantRecord &v, const std::string &created) {
    Statement put(db, R"sql(
        INSERT INTO variants (model_id, name, architecture, path, parameters, bytes, bits_per_weight, digest,
                              base_id, owned, type, method, library_version, created, calibration, predicted_kld,
                              adapters)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (model_id, name) DO UPDATE SET
            (name, architecture, path, parameters, bytes, bits_per_weight, digest,
             base_id, owned, type, method, library_version, created, calibration, predicted_kld, adapters) =
            (excluded.name, excluded.architecture, excluded.path, excluded.parameters, excluded.bytes,
             excluded.bits_per_weight, excluded.digest, excluded.base_id, excluded.owned, excluded.type,
             excluded.method, excluded.library_version, excluded.created, excluded.calibration,
             excluded.predicted_kld, excluded.adapters)
        RETURNING id)sql");
    put.with(model, v.variant, v.architecture, v.path, v.parameters, v.bytes, v.bits_per_weight, v.digest,
             OptionalId{v.base_id}, v.owned, v.type, v.method, v.library_version, created, v.calibration,
             v.predicted_kld, v.adapters);
    put.step();
    const int64_t id = put.integer(0);
    put.run();
    return id;
}

void put_files(Database &db, int64_t id, const std::vector<FileRecord> &files) {
    Statement put(db, "INSERT INTO files (variant_id, position, path, bytes, sha256, mtime_ns)"
                      " VALUES (?, ?, ?, ?, ?, ?)");
    int64_t position = 0;
    for (const FileRecord &f : files) put.with(id, position++, f.path, f.bytes, f.sha256, f.mtime_ns).run();
}

void put_recipe(Database &db, int64_t id, const std::vector<RecipeRecord> &recipe) {
    Statement put(db, "INSERT INTO recipes (variant_id, position, tensor, shape, encoding, method, bytes, rmse,"
                      " relative) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    int64_t position = 0;
    for (const RecipeRecord &r : recipe)
        put.with(id, position++, r.tensor, r.shape, r.encoding, r.method, r.bytes, r.rmse, r.relative).run();
}

std::vector<FileRecord> get_files(Database &db, int64_t id) {
    Statement query(db, "SELECT path, bytes, sha256, mtime_ns FROM files WHERE variant_id = ? ORDER BY position");
    query.with(id);
    std::vector<FileRecord> out;
    while (query.step())
        out.push_back({query.text(0), query.unsigned_integer(1), query.text(2), query.integer(3)});
    return out;
}

std::vector<RecipeRecord> get_recipe(Database &db, int64_t id) {
    Statement query(db, "SELECT tensor, shape, encoding, method, bytes, rmse, relative FROM recipes"
                        " WHERE variant_id = ? ORDER BY position");
    query.with(id);
    std::vector<RecipeRecord> out;
    while (query.step())
        out.push_back({query.text(0), query.text(1), query.text(2), query.text(3), query.unsigned_integer(4),
                       query.real(5), query.real(6)});
    return out;
}

// Inside a transaction, as everything above.
int64_t put_variant(Database &db, const VariantRecord &v) {
    check_name(db, "model", v.model);
    check_name(db, "variant", v.variant);
    const std::string created = rows::now();
    const int64_t model = model_id(db, v.model, created);
    check_base(db, model, v);
    const int64_t id = put_row(db, model, v, created);
    for (const char *table : tables_of_variant)
        Statement(db, fmt::format("DELETE FROM {} WHERE variant_id = ?", table)).with(id).run();
    put_files(db, id, v.files);
    put_recipe(db, id, v.recipe);
    return id;
}

} // namespace

std::optional<VariantRecord> Catalog::find(std::string_view model, std::string_view variant) {
    // Numbers only grow, so the lowest is the oldest.
    if (variant.empty()) return find_where(state_->db, "m.name = ? ORDER BY v.base_id IS NOT NULL, v.id", model);
    return find_where(state_->db, "m.name = ? AND v.name = ?", model, variant);
}

std::optional<VariantRecord> Catalog::find_path(const std::string &path) {
    // Two names may have been written to one path; the later one is what lies there.
    return find_where(state_->db, "v.path = ? ORDER BY v.created DESC, v.id DESC", path);
}

std::vector<VariantRecord> Catalog::at_path(const std::string &path) {
    Statement query(state_->db, fmt::format("SELECT {}{} WHERE v.path = ? ORDER BY v.id", rows::variant_columns,
                                            rows::variant_from));
    query.with(path);
    std::vector<VariantRecord> out;
    while (query.step()) out.push_back(rows::variant(query));
    return out;
}

std::optional<VariantRecord> Catalog::find_digest(const std::string &digest) {
    if (digest.empty()) return std::nullopt;
    return find_where(state_->db, "v.digest = ? ORDER BY v.id", digest);
}

VariantRecord Catalog::load(int64_t id) {
    const Transaction moment(state_->db, Transaction::Kind::read);
    rows::require_name(state_->db, id);
    VariantRecord v = find_where(state_->db, "v.id = ?", id).value();
    v.files = get_files(state_->db, id);
    v.recipe = get_recipe(state_->db, id);
    return v;
}

int64_t Catalog::store(const VariantRecord &v) {
    Transaction change(state_->db, Transaction::Kind::write);
    const int64_t id = put_variant(state_->db, v);
    change.commit();
    return id;
}

int64_t Catalog::copy(int64_t id, const std::string &model, const std::string &variant) {
    Database &db = state_->db;
    Transaction change(db, Transaction::Kind::write);
    const std::string name = rows::require_name(db, id);
    VariantRecord v = find_where(db, "v.id = ?", id).value();
    v.files = get_files(db, id);
    v.recipe = get_recipe(db, id);
    v.model = model, v.variant = variant;
    const int64_t copied = put_variant(db, v);
    if (copied == id)
        fail(QUANT_ERR_ARGUMENT, "{}: \"{}\" is that variant's own name", printable(db.path().string(), 4096),
             printable(name));
    rows::copy_numbers(db, id, copied);
    change.commit();
    return copied;
}

void Catalog::replace_file(int64_t id, const FileRecord &file) {
    Database &db = state_->db;
    Transaction change(db, Transaction::Kind::write);
    rows::require_name(db, id);
    const std::string old = find_where(db, "v.id = ?", id).value().digest;
    Statement(db, "UPDATE variants SET bytes = ?, digest = ? WHERE id = ?").with(file.bytes, file.sha256, id).run();
    Statement(db, "DELETE FROM files WHERE variant_id = ?").with(id).run();
    put_files(db, id, {file});
    Statement(db, "UPDATE measurements SET variant_digest = ? WHERE variant_id = ? AND variant_digest = ?")
        .with(file.sha256, id, old)
        .run();
    Statement(db, "UPDATE measurements SET base_digest = ? WHERE base_id = ? AND base_digest = ?")
        .with(file.sha256, id, old)
        .run();
    change.commit();
}

void Catalog::remove(int64_t id) {
    Database &db = state_->db;
    Transaction change(db, Transaction::Kind::write);
    rows::require_name(db, id);
    Statement(db, "DELETE FROM variants WHERE id = ?").with(id).run();
    // Models without variants. There are few models, and the index answers for each.
    Statement(db, "DELETE FROM models WHERE NOT EXISTS (SELECT 1 FROM variants WHERE model_id = models.id)").run();
    change.commit();
}

} // namespace quant
