// What the catalog knows, brought together with the files it speaks of: names to
// paths, files to rows, and where new variants belong.
#pragma once

#include "base/progress.h"
#include "catalog/catalog.h"
#include "model/model_file.h"
#include "quantize/plan.h"

#include <quant/evaluate.h>

#include <filesystem>
#include <optional>
#include <string>

namespace quant::api {

/// What a user's text stands for.
struct Resolved {
    std::filesystem::path path;
    std::string name;                     ///< "model:variant"; empty for a path that the catalog does not know.
    std::optional<VariantRecord> variant; ///< Nothing too for a shipped model that has not been recorded yet.
};

/// As quant_catalog_resolve() says.
Resolved resolve(Catalog &catalog, const std::string &text);

/// Whose a recorded file is: the library deletes its own with their last name.
enum class FileOwner { user, library };

/// As quant_catalog_import() says; `name` may be empty.
VariantRecord import_file(Catalog &catalog, const std::filesystem::path &path, const std::string &name,
                          Progress &progress, FileOwner owner = FileOwner::user);

/// The variant of that name; a shipped model is recorded now if it was not. Throws
/// Error (QUANT_ERR_NOT_FOUND) with names near it.
VariantRecord require_variant(Catalog &catalog, const std::string &name);

/// As quant_catalog_output_path() says.
std::filesystem::path output_path(Catalog &catalog, const std::string &source, const std::string &type);

/// As quant_catalog_add_named_variant() says; without a name as quant_catalog_add_variant(), without a source as
/// what was made from a file that is not to be recorded. One of both is there.
VariantRecord add_variant(Catalog &catalog, const std::string &name, const std::string &source, const Plan &plan,
                          const std::filesystem::path &output, Progress &progress);

/// As quant_catalog_remove() says; returns how many variants went.
uint32_t remove_named(Catalog &catalog, const std::string &name, bool keep_files);

/// A text that comes with a model, and the one that stands in for it.
struct ModelText {
    const char *beside_model, *shipped;
};
inline constexpr ModelText evaluation_text{"heldout.txt", "models/kjv-5m/heldout.txt"};
inline constexpr ModelText calibration_text{"calibration.txt", "calibration/general.txt"};

/// As quant_catalog_eval_text() says; `own` tells whose text it is.
std::filesystem::path text_of(Catalog &catalog, const std::string &text, const ModelText &kind, bool &own);

/// SHA-256 of what `text` stands for, as VariantRecord::digest has it: the recorded one
/// while the files are as they were.
std::string content_digest(Catalog &catalog, const std::string &text, Progress &progress);

/// As quant_catalog_stamp() says; `base` may be empty.
void stamp_eval(Catalog &catalog, const std::string &text, const std::string &base, const std::string &text_name,
                const quant_eval_result &result, Progress &progress);

/// Whether the recorded files are as they were, by size and time; a variant as load() gives it.
bool unchanged(const VariantRecord &variant);

/// What is at a path, given what its bytes are.
FileRecord file_record(const std::filesystem::path &path, uint64_t bytes, std::string sha256);

/// Whether the variant's files are there with the sizes that were recorded.
bool file_missing(const VariantRecord &variant);

/// This machine, for speeds.
const MachineRecord &this_machine();

/// As quant_catalog_show() says.
std::string show_json(Catalog &catalog, const std::string &name);

/// As quant_catalog_show_model() says.
std::string show_model_json(Catalog &catalog, const std::string &name);

/// The model that `text` names, alone, by one of its variants, or by a path. Its files
/// need not be there.
std::string model_of(Catalog &catalog, const std::string &text);

} // namespace quant::api
