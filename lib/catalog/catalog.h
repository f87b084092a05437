// The catalog's rows and the SQLite file they live in. Nothing here opens a model:
// lib/api gathers what a row says and asks for it to be stored.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// A file of a variant, where it lies.
struct FileRecord {
    std::string path;   ///< Absolute.
    uint64_t bytes = 0;
    std::string sha256; ///< 64 hex digits.
    int64_t mtime_ns = 0;
};

/// What became of one tensor.
struct RecipeRecord {
    std::string tensor, shape, encoding, method; ///< shape as "512x256".
    uint64_t bytes = 0;
    double rmse = -1, relative = -1;             ///< -1: not known.
};

/// One artifact of one model.
struct VariantRecord {
    int64_t id = 0;
    std::string model, variant;                  ///< "kjv-5m", "Q4_K_M".
    std::string architecture;
    std::string path;                            ///< What is opened: a file or a folder. Absolute.
    uint64_t parameters = 0, bytes = 0;
    double bits_per_weight = 0;
    std::string digest;                          ///< SHA-256 over the files' digests in order; of the file if one.
    int64_t base_id = 0;                         ///< Variant it was made from; 0: none.
    std::string base;                            ///< Its "model:variant"; filled on reading.
    bool owned = false;                          ///< Its file was made by us in our own folder.
    std::string type, method;                    ///< Type mix and method asked for; "" for imports.
    std::string calibration;                     ///< SHA-256 of the text or statistics file it was made with; "": none.
    double predicted_kld = -1;                   ///< By the plan it was made by; -1: none.
    std::string adapters;                        ///< Merged into it: JSON, [{"path", "sha256", "scale"}]; "": none.
    std::string library_version, created;        ///< created: RFC 3339, UTC; filled by the catalog.
    std::vector<FileRecord> files;               ///< Filled by load(), not by list().
    std::vector<RecipeRecord> recipe;            ///< Likewise.

    std::string name() const { return model + ":" + variant; }
};

/// Quality of a variant against a base on a text (the fields of quant_eval_result).
struct MeasurementRecord {
    int64_t variant_id = 0, base_id = 0;         ///< base_id 0: none.
    std::string base, base_digest, variant_digest;
    std::string text_name, text_sha256, activations, library_version, created;
    uint32_t context_length = 0, chunks = 0;
    uint64_t tokens = 0;
    double ppl, ppl_se, base_ppl, base_ppl_se, ln_ratio, ln_ratio_se, kld_mean, kld_se, kld_median, kld_p99, kld_p999,
        kld_max, top1, top1_se, dp_mean, dp_rms, seconds; ///< NaN (stored as NULL) where not measured.
};

/// The machine that speeds were taken on.
struct MachineRecord {
    std::string fingerprint, cpu, tier; ///< fingerprint: stable identity of CPU model, cores and memory.
    uint32_t cores = 0;
    uint64_t memory_bytes = 0;
};

struct SpeedRecord {
    int64_t variant_id = 0;
    MachineRecord machine;
    uint32_t threads = 0;
    double prefill_per_second = 0, decode_per_second = 0;
    std::string library_version, created;
};

/// A row of the list: the variant with its latest numbers.
struct VariantSummary {
    VariantRecord variant; ///< Without files and recipe.
    double ppl, ppl_se, kld_mean, kld_se, top1, decode_per_second, prefill_per_second; ///< NaN: none.
};

/// One connection; one thread at a time. Every change is one transaction, durable
/// when the call returns. Throws Error: QUANT_ERR_CATALOG, _BUSY, _NO_SPACE, ...
class Catalog {
public:
    /// Open or make the file and its folder; migrates older versions.
    explicit Catalog(const std::filesystem::path &path);
    ~Catalog();
    Catalog(Catalog &&) noexcept;

    const std::filesystem::path &path() const;

    /// Case-insensitive. `variant` empty: the model's base (a variant without a base;
    /// the oldest if there are several), else its oldest variant.
    std::optional<VariantRecord> find(std::string_view model, std::string_view variant);
    std::optional<VariantRecord> find_path(const std::string &path);
    /// All names that a path has.
    std::vector<VariantRecord> at_path(const std::string &path);
    std::optional<VariantRecord> find_digest(const std::string &digest);
    /// With files and recipe.
    VariantRecord load(int64_t id);
    /// Insert, or replace the variant of that name and its measurements. Returns its id.
    int64_t store(const VariantRecord &variant);
    /// Give what a variant says, its measurements and speeds included, a second name; a variant of that name is
    /// replaced. Returns the new number. Throws Error (QUANT_ERR_ARGUMENT): it is the variant's own name.
    int64_t copy(int64_t id, const std::string &model, const std::string &variant);
    /// The variant's one file was rewritten and still holds the same weights: all that was
    /// said of its digest is said of the new one, measurements stay.
    void replace_file(int64_t id, const FileRecord &file);
    /// Remove one row; a variant that others were made from leaves them with base_id 0.
    void remove(int64_t id);

    void add_measurement(const MeasurementRecord &m);
    void add_speed(const SpeedRecord &s);
    std::vector<MeasurementRecord> measurements(int64_t variant_id); ///< Latest first.
    std::vector<SpeedRecord> speeds(int64_t variant_id);             ///< Latest first.

    /// Ordered by model, then bytes descending. Empty `model`: all. Speeds are the
    /// latest on the machine of that fingerprint.
    std::vector<VariantSummary> list(std::string_view model, std::string_view fingerprint);
    /// Names like `text`, for "did you mean": at most `limit`, best first.
    std::vector<std::string> near(std::string_view text, size_t limit);

private:
    struct State;
    std::unique_ptr<State> state_;
};

} // namespace quant
