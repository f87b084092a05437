// Metadata keys of ours that speak of one file: what was measured on it, and how it was
// made. Whoever makes another file of its metadata leaves them out.
#pragma once

#include "container/metadata.h"

#include <string>
#include <string_view>
#include <vector>

namespace quant {

inline constexpr std::string_view eval_stamp_prefix = "quant.eval.";
inline constexpr std::string_view recipe_stamp_prefix = "quant.recipe.";

inline void erase_keys_below(Metadata &metadata, std::string_view prefix) {
    std::vector<std::string> keys;
    for (const auto &[key, value] : metadata.entries())
        if (key.starts_with(prefix)) keys.push_back(key);
    for (const std::string &key : keys) metadata.erase(key);
}

} // namespace quant
