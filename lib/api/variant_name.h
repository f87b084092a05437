// Names of models and variants: "model:variant", of letters, digits, '.', '_', '-'.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>

namespace quant::api {

struct NameParts {
    std::string model, variant; ///< variant may be empty.
};

inline constexpr size_t max_name_bytes = 128;

/// Whether `text` may be a model's or a variant's name.
bool is_name(std::string_view text);

/// Whether it names the mixture of a plan document, such as "4.25bpw".
bool is_plan_type(std::string_view text);

/// Cut at the colon, without a check.
NameParts split_name(std::string_view text);

/// Cut and check. Throws Error (QUANT_ERR_ARGUMENT).
NameParts require_name(std::string_view text);

/// From a file's or folder's name: its ending, the number of a split part, and the
/// type's name at its end are left out, and what may not be in a name becomes '-'.
NameParts name_from_path(const std::filesystem::path &path, const std::string &type);

} // namespace quant::api
