// See the header.
#include "text/tool_schema.h"

#include "text/json_span.h"
#include "text/loose_literal.h"
#include "text/mark_match.h"

#include <optional>

namespace quant {

namespace {

constexpr unsigned max_schema_depth = 8;
const json::value no_schema;

const json::value &member_or_null(const json::value &v, std::string_view key) {
    const json::object *object = v.if_object();
    const json::value *found = object ? object->if_contains(key) : nullptr;
    return found ? *found : no_schema;
}

unsigned type_by_name(const json::value &v) {
    const json::string *name = v.if_string();
    if (!name) return 0;
    if (*name == "string") return type_string;
    if (*name == "number" || *name == "integer") return type_number;
    if (*name == "boolean") return type_boolean;
    if (*name == "null") return type_null;
    if (*name == "object") return type_object;
    return *name == "array" ? type_array : 0;
}

unsigned type_of_value(const json::value &v) {
    switch (v.kind()) {
    case boost::json::kind::string:
        return type_string;
    case boost::json::kind::bool_:
        return type_boolean;
    case boost::json::kind::null:
        return type_null;
    case boost::json::kind::object:
        return type_object;
    case boost::json::kind::array:
        return type_array;
    default:
        return type_number;
    }
}

/// The types of all of `list`; 0 where one of them is not known, which allows everything.
template <class TypeOf> unsigned types_of_all(const json::value &list, TypeOf type_of) {
    unsigned all = 0;
    if (const json::array *items = list.if_array())
        for (const json::value &v : *items) {
            const unsigned one = type_of(v);
            if (one == 0) return 0;
            all |= one;
        }
    return all;
}

unsigned types_of_schema(const json::value &schema, unsigned depth) {
    if (depth > max_schema_depth) return 0;
    const json::value &type = member_or_null(schema, "type");
    if (const unsigned one = type_by_name(type)) return one;
    if (const unsigned some = types_of_all(type, type_by_name)) return some;
    if (const unsigned some = types_of_all(member_or_null(schema, "enum"), type_of_value)) return some;
    for (const char *key : {"anyOf", "oneOf", "allOf"}) {
        const auto below = [&](const json::value &v) { return types_of_schema(v, depth + 1); };
        if (const unsigned some = types_of_all(member_or_null(schema, key), below)) return some;
    }
    if (member_or_null(schema, "properties").is_object()) return type_object;
    return member_or_null(schema, "items").is_object() ? type_array : 0;
}

unsigned type_of_json(std::string_view text) {
    switch (text.front()) {
    case '"':
        return type_string;
    case '{':
        return type_object;
    case '[':
        return type_array;
    case 't':
    case 'f':
        return type_boolean;
    case 'n':
        return type_null;
    default:
        return type_number;
    }
}

} // namespace

ToolSchemas::ToolSchemas(const json::value &tools) {
    const json::array *list = tools.if_array();
    if (!list) return;
    for (const json::value &tool : *list) {
        const json::value &nested = member_or_null(tool, "function");
        const json::value &function = nested.is_object() ? nested : tool;
        if (const json::string *name = member_or_null(function, "name").if_string(); name && !name->empty())
            parameters_.emplace(std::string(*name), member_or_null(function, "parameters"));
    }
}

const json::value &ToolSchemas::parameters(std::string_view name) const {
    const auto found = parameters_.find(std::string(name));
    return found == parameters_.end() ? no_schema : found->second;
}

const json::value &schema_member(const json::value &schema, std::string_view key) {
    const json::value &stated = member_or_null(member_or_null(schema, "properties"), key);
    return stated.is_null() ? member_or_null(schema, "additionalProperties") : stated;
}

const json::value &schema_items(const json::value &schema) { return member_or_null(schema, "items"); }

unsigned allowed_types(const json::value &schema) { return types_of_schema(schema, 0); }

std::string argument_json(std::string_view text, unsigned allowed) {
    const std::string_view trimmed = trim_blanks(text);
    if (allowed == type_string || trimmed.empty()) return json_quote(text);
    std::optional<std::string> literal;
    if (is_json(trimmed))
        literal = std::string(trimmed);
    else
        literal = loose_literal_json(trimmed);
    // A text in quotes stands for itself, quotes and all, as templates print texts without.
    if (!literal || type_of_json(*literal) == type_string) return json_quote(text);
    if (allowed != 0 && !(allowed & type_of_json(*literal))) return json_quote(text);
    return *literal;
}

} // namespace quant
