// The tools that a model was given, for reading its calls: which names there are, and what
// type each argument has, since most styles write a text and a number alike. A schema is
// hostile input: what is not understood allows every type, and nothing here throws over it.
#pragma once

#include "base/json.h"

#include <string>
#include <string_view>
#include <unordered_map>

namespace quant {

class ToolSchemas {
public:
    /// `tools` as the OpenAI and Ollama APIs have them: an array of {type, function: {name,
    /// parameters}}, or of the functions themselves. Anything else has no tools.
    explicit ToolSchemas(const json::value &tools);

    bool empty() const noexcept { return parameters_.empty(); }
    bool knows(std::string_view name) const { return parameters_.contains(std::string(name)); }
    /// The JSON schema of a tool's arguments; null (the JSON value) where it has none.
    const json::value &parameters(std::string_view name) const;

private:
    std::unordered_map<std::string, json::value> parameters_;
};

/// The schema of an object's member, or of an array's elements; null where none is stated.
const json::value &schema_member(const json::value &schema, std::string_view key);
const json::value &schema_items(const json::value &schema);

/// Types of arguments, as bits.
inline constexpr unsigned type_string = 1, type_number = 2, type_boolean = 4, type_null = 8, type_object = 16,
                          type_array = 32;

/// The types that a schema allows, as bits; 0 where it does not say.
unsigned allowed_types(const json::value &schema);

/// JSON text for a value written without quotes: a string where the schema allows only that or
/// where the text is nothing else that it allows. JSON and Python literals are understood.
std::string argument_json(std::string_view text, unsigned allowed);

} // namespace quant
