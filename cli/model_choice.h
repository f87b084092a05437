// From the word a user wrote for a model to a path and, where the catalog knows it,
// a name.
#pragma once

#include "owned_handles.h"

#include <string>

namespace quantctl {

struct ModelChoice {
    std::string path;
    std::string name; ///< "model:variant"; "" where the catalog does not know it.

    /// What to call it in a sentence.
    const std::string &title() const { return name.empty() ? path : name; }
};

/// The user's catalog.
CatalogHandle open_catalog();

/// Whether `text` is the path of something that is there (or that may not be looked at).
bool is_path(const std::string &text);

/// What `text` means, by quant_catalog_resolve().
ModelChoice choose_model(quant_catalog *catalog, const std::string &text);

/// The path that `text` means. The catalog is opened only where `text` is no path.
std::string path_of_model(const std::string &text);

/// A catalog and a choice, for verbs that record what they find. A path works also
/// where the catalog cannot be opened; `catalog` is then null and the user was told.
struct RecordedChoice {
    CatalogHandle catalog;
    ModelChoice model;
};
RecordedChoice choose_recorded(const std::string &text);

/// The choice, but nothing is created or recorded anywhere on the way (a dry run).
ModelChoice choose_without_recording(const std::string &text);

} // namespace quantctl
