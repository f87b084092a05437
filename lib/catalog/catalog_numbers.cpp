// Measurements and speeds. The fields of a measurement are many and all alike, so
// one table of columns and members serves writing and reading.
#include "catalog/catalog.h"

#include "base/error.h"
#include "catalog/catalog_rows.h"

namespace quant {

using sqlite::Database;
using sqlite::OptionalId;
using sqlite::Statement;
using sqlite::Transaction;

namespace {

struct RealField {
    const char *column;
    double MeasurementRecord::*member;
};
constexpr RealField real_fields[] = {
    {"ppl", &MeasurementRecord::ppl},
    {"ppl_se", &MeasurementRecord::ppl_se},
    {"base_ppl", &MeasurementRecord::base_ppl},
    {"base_ppl_se", &MeasurementRecord::base_ppl_se},
    {"ln_ratio", &MeasurementRecord::ln_ratio},
    {"ln_ratio_se", &MeasurementRecord::ln_ratio_se},
    {"kld_mean", &MeasurementRecord::kld_mean},
    {"kld_se", &MeasurementRecord::kld_se},
    {"kld_median", &MeasurementRecord::kld_median},
    {"kld_p99", &MeasurementRecord::kld_p99},
    {"kld_p999", &MeasurementRecord::kld_p999},
    {"kld_max", &MeasurementRecord::kld_max},
    {"top1", &MeasurementRecord::top1},
    {"top1_se", &MeasurementRecord::top1_se},
    {"dp_mean", &MeasurementRecord::dp_mean},
    {"dp_rms", &MeasurementRecord::dp_rms},
    {"seconds", &MeasurementRecord::seconds},
};

struct TextField {
    const char *column;
    std::string MeasurementRecord::*member;
};
constexpr TextField text_fields[] = {
    {"base", &MeasurementRecord::base},
    {"base_digest", &MeasurementRecord::base_digest},
    {"variant_digest", &MeasurementRecord::variant_digest},
    {"text_name", &MeasurementRecord::text_name},
    {"text_sha256", &MeasurementRecord::text_sha256},
    {"activations", &MeasurementRecord::activations},
    {"library_version", &MeasurementRecord::library_version},
    {"created", &MeasurementRecord::created},
};

constexpr const char *count_columns = "variant_id, base_id, context_length, chunks, tokens";
constexpr int count_column_count = 5;

std::string measurement_columns() {
    std::string out = count_columns;
    for (const TextField &f : text_fields) out += std::string(", ") + f.column;
    for (const RealField &f : real_fields) out += std::string(", ") + f.column;
    return out;
}

std::string question_marks() {
    std::string out = "?";
    for (size_t i = 1; i < count_column_count + std::size(text_fields) + std::size(real_fields); ++i) out += ", ?";
    return out;
}

int64_t machine_id(Database &db, const MachineRecord &m) {
    Statement put(db, "INSERT INTO machines (fingerprint, cpu, cores, memory_bytes) VALUES (?, ?, ?, ?)"
                      " ON CONFLICT (fingerprint) DO UPDATE SET"
                      " (cpu, cores, memory_bytes) = (excluded.cpu, excluded.cores, excluded.memory_bytes)"
                      " RETURNING id");
    put.with(m.fingerprint, m.cpu, m.cores, m.memory_bytes).step();
    const int64_t id = put.integer(0);
    put.run();
    return id;
}

} // namespace

void rows::copy_numbers(Database &db, int64_t from, int64_t to) {
    const std::string all = measurement_columns(), rest = all.substr(all.find(','));
    Statement(db, fmt::format("INSERT INTO measurements ({}) SELECT ?{} FROM measurements WHERE variant_id = ?"
                              " ORDER BY id", all, rest))
        .with(to, from)
        .run();
    constexpr const char *speed = "machine_id, tier, threads, prefill_per_second, decode_per_second, library_version,"
                                  " created";
    Statement(db, fmt::format("INSERT INTO speeds (variant_id, {0}) SELECT ?, {0} FROM speeds WHERE variant_id = ?"
                              " ORDER BY id", speed))
        .with(to, from)
        .run();
}

void Catalog::add_measurement(const MeasurementRecord &given) {
    Database &db = state_->db;
    Transaction change(db, Transaction::Kind::write);
    MeasurementRecord m = given;
    rows::require_name(db, m.variant_id);
    // The name is kept in the row, because the number is worth nothing once the base
    // is gone and nobody knows what it was measured against.
    if (m.base_id != 0) m.base = rows::require_name(db, m.base_id);
    if (m.created.empty()) m.created = rows::now();

    Statement put(db, fmt::format("INSERT INTO measurements ({}) VALUES ({})", measurement_columns(),
                                  question_marks()));
    put.with(m.variant_id, OptionalId{m.base_id}, m.context_length, m.chunks, m.tokens);
    for (const TextField &f : text_fields) put.bind(m.*f.member);
    for (const RealField &f : real_fields) put.bind(m.*f.member);
    put.run();
    change.commit();
}

std::vector<MeasurementRecord> Catalog::measurements(int64_t variant_id) {
    Statement query(state_->db, fmt::format("SELECT {} FROM measurements WHERE variant_id = ? ORDER BY id DESC",
                                            measurement_columns()));
    query.with(variant_id);
    std::vector<MeasurementRecord> out;
    while (query.step()) {
        MeasurementRecord m{};
        int column = 0;
        m.variant_id = query.integer(column++);
        m.base_id = query.integer(column++);
        m.context_length = query.small_integer(column++);
        m.chunks = query.small_integer(column++);
        m.tokens = query.unsigned_integer(column++);
        for (const TextField &f : text_fields) m.*f.member = query.text(column++);
        for (const RealField &f : real_fields) m.*f.member = query.real(column++);
        out.push_back(std::move(m));
    }
    return out;
}

void Catalog::add_speed(const SpeedRecord &s) {
    Database &db = state_->db;
    Transaction change(db, Transaction::Kind::write);
    rows::require_name(db, s.variant_id);
    // The tier belongs to the run and not to the machine: it can be forced to a lower one.
    Statement(db, "INSERT INTO speeds (variant_id, machine_id, tier, threads, prefill_per_second,"
                  " decode_per_second, library_version, created) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .with(s.variant_id, machine_id(db, s.machine), s.machine.tier, s.threads, s.prefill_per_second,
              s.decode_per_second, s.library_version, s.created.empty() ? rows::now() : s.created)
        .run();
    change.commit();
}

std::vector<SpeedRecord> Catalog::speeds(int64_t variant_id) {
    Statement query(state_->db,
                    "SELECT h.fingerprint, h.cpu, s.tier, h.cores, h.memory_bytes, s.threads, s.prefill_per_second,"
                    " s.decode_per_second, s.library_version, s.created"
                    " FROM speeds s JOIN machines h ON h.id = s.machine_id WHERE s.variant_id = ? ORDER BY s.id DESC");
    query.with(variant_id);
    std::vector<SpeedRecord> out;
    while (query.step()) {
        SpeedRecord s;
        s.variant_id = variant_id;
        s.machine = {query.text(0), query.text(1), query.text(2), query.small_integer(3), query.unsigned_integer(4)};
        s.threads = query.small_integer(5);
        s.prefill_per_second = query.real(6);
        s.decode_per_second = query.real(7);
        s.library_version = query.text(8);
        s.created = query.text(9);
        out.push_back(std::move(s));
    }
    return out;
}

} // namespace quant
