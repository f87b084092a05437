// Literals that are not JSON, as models write them: Python's (True, None, 'text', tuples,
// f(key=value)) and Gemma's ({key:<|"|>text<|"|>}). They are read into JSON text, numbers as
// they are spelt. What is no literal, or is nested deeper than json::max_depth, is refused.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace quant {

/// JSON text for one literal, which must be all of `text`, or nothing. Threads: any.
std::optional<std::string> loose_literal_json(std::string_view text);

struct LooseCall {
    std::string name;
    std::string arguments; ///< A JSON object.
};

/// The calls in `text`: name(key=literal, ...), or a list of such in brackets; nothing where it
/// is anything else, such as an argument without a name. Threads: any.
std::optional<std::vector<LooseCall>> loose_calls(std::string_view text);

} // namespace quant
