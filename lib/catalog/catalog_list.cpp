// The list, in one statement: for each variant two steps down an index to its
// latest measurement and its latest speed here. Files and recipes are not touched.
#include "catalog/catalog.h"

#include "base/error.h"
#include "catalog/catalog_rows.h"

namespace quant {

namespace {

constexpr const char *latest_numbers =
    ", e.ppl, e.ppl_se, e.kld_mean, e.kld_se, e.top1, s.decode_per_second, s.prefill_per_second";
constexpr const char *latest_from =
    " LEFT JOIN measurements e ON e.id = (SELECT max(id) FROM measurements WHERE variant_id = v.id)"
    " LEFT JOIN speeds s ON s.id = (SELECT max(id) FROM speeds WHERE variant_id = v.id"
    " AND machine_id = (SELECT id FROM machines WHERE fingerprint = ?1))";
constexpr const char *order = " ORDER BY m.name, v.bytes DESC, v.name";

} // namespace

std::vector<VariantSummary> Catalog::list(std::string_view model, std::string_view fingerprint) {
    const char *filter = model.empty() ? "" : " WHERE m.name = ?2";
    sqlite::Statement query(state_->db, fmt::format("SELECT {}{}{}{}{}{}", rows::variant_columns, latest_numbers,
                                                    rows::variant_from, latest_from, filter, order));
    query.with(fingerprint);
    if (!model.empty()) query.bind(model);

    std::vector<VariantSummary> out;
    while (query.step()) {
        VariantSummary row{};
        row.variant = rows::variant(query);
        int column = rows::variant_column_count;
        row.ppl = query.real(column++);
        row.ppl_se = query.real(column++);
        row.kld_mean = query.real(column++);
        row.kld_se = query.real(column++);
        row.top1 = query.real(column++);
        row.decode_per_second = query.real(column++);
        row.prefill_per_second = query.real(column++);
        out.push_back(std::move(row));
    }
    return out;
}

} // namespace quant
