// The keywords of JSON schema, drafts 7 to 2020-12: which say nothing of what is valid,
// which are understood, and which would change what is valid and cannot be expressed.
#include "base/error.h"
#include "text/grammar.h"
#include "text/json_schema_compiler.h"

#include <algorithm>

namespace quant::grammar {

namespace {

constexpr std::string_view annotations[] = {
    "$anchor",          "$comment",      "$defs",    "$id",         "$schema",    "$vocabulary", "contentEncoding",
    "contentMediaType", "contentSchema", "default",  "definitions", "deprecated", "description", "discriminator",
    "externalDocs",     "example",       "examples", "id",          "readOnly",   "title",       "writeOnly",
};

constexpr std::string_view unsupported[] = {
    "$dynamicAnchor",
    "$dynamicRef",
    "$recursiveAnchor",
    "$recursiveRef",
    "contains",
    "dependencies",
    "dependentRequired",
    "dependentSchemas",
    "else",
    "if",
    "maxContains",
    "maxProperties",
    "minContains",
    "minProperties",
    "multipleOf",
    "not",
    "patternProperties",
    "propertyNames",
    "then",
    "unevaluatedItems",
    "unevaluatedProperties",
};

struct Keyword {
    std::string_view name;
    uint8_t types; ///< That it speaks of; 0 for all.
};
constexpr uint8_t type_number = type_integer | type_fraction;
constexpr Keyword understood[] = {
    {"$ref", 0},
    {"additionalItems", type_array},
    {"additionalProperties", type_object},
    {"allOf", 0},
    {"anyOf", 0},
    {"const", 0},
    {"enum", 0},
    {"exclusiveMaximum", type_number},
    {"exclusiveMinimum", type_number},
    {"format", type_string},
    {"items", type_array},
    {"maxItems", type_array},
    {"maxLength", type_string},
    {"maximum", type_number},
    {"minItems", type_array},
    {"minLength", type_string},
    {"minimum", type_number},
    {"oneOf", 0},
    {"pattern", type_string},
    {"prefixItems", type_array},
    {"properties", type_object},
    {"required", type_object},
    {"type", 0},
};

const Keyword *find_keyword(std::string_view name) {
    const auto *at =
        std::find_if(std::begin(understood), std::end(understood), [&](auto &k) { return k.name == name; });
    return at == std::end(understood) ? nullptr : at;
}

struct TypeName {
    std::string_view name;
    uint8_t types;
};
constexpr TypeName type_names[] = {
    {"null", type_null},       {"boolean", type_boolean}, {"object", type_object},
    {"array", type_array},     {"string", type_string},   {"number", type_integer | type_fraction},
    {"integer", type_integer},
};

uint8_t named_type(const json::value &value, const SchemaPlace &place) {
    const std::string_view name = string_of(value, place);
    for (const TypeName &type : type_names)
        if (type.name == name) return type.types;
    schema_fails(QUANT_ERR_ARGUMENT, place, fmt::format("'{}' is no type", printable(name)));
}

bool among(std::string_view name, std::span<const std::string_view> names) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

} // namespace

void schema_fails(quant_status status, const SchemaPlace &place, std::string_view what) {
    fail(status, "JSON schema: {}: {}", printable(place.pointer, 400), what);
}

bool is_annotation(std::string_view keyword) { return among(keyword, annotations) || keyword.starts_with("x-"); }

uint8_t types_of_keyword(std::string_view keyword) {
    const Keyword *found = find_keyword(keyword);
    return found ? found->types : 0;
}

void check_keywords(const json::object &schema, const SchemaPlace &place) {
    for (const auto &[name, value] : schema) {
        if (is_annotation(name) || find_keyword(name)) continue;
        if (name == "uniqueItems" && value == json::value(false)) continue;
        const bool known = among(name, unsupported) || name == "uniqueItems";
        schema_fails(QUANT_ERR_UNSUPPORTED, place.member(name),
                     known ? "this keyword cannot be expressed as a grammar" : "an unknown keyword");
    }
}

SchemaPlace SchemaPlace::member(std::string_view name) const {
    SchemaPlace out{pointer + '/', depth + 1};
    for (const char c : name) {
        if (c == '~')
            out.pointer += "~0";
        else if (c == '/')
            out.pointer += "~1";
        else
            out.pointer += c;
    }
    return out;
}

const json::array &array_of(const json::value &value, const SchemaPlace &place) {
    if (!value.is_array()) schema_fails(QUANT_ERR_ARGUMENT, place, "expected an array");
    return value.get_array();
}

const json::object &object_of(const json::value &value, const SchemaPlace &place) {
    if (!value.is_object()) schema_fails(QUANT_ERR_ARGUMENT, place, "expected an object");
    return value.get_object();
}

std::string_view string_of(const json::value &value, const SchemaPlace &place) {
    if (!value.is_string()) schema_fails(QUANT_ERR_ARGUMENT, place, "expected a string");
    return value.get_string();
}

std::optional<uint8_t> types_keyword(const json::object &keywords, const SchemaPlace &place) {
    const json::value *type = keywords.if_contains("type");
    if (!type) return std::nullopt;
    const SchemaPlace at = place.member("type");
    if (!type->is_array()) return named_type(*type, at);
    uint8_t out = 0;
    for (const json::value &one : type->get_array()) out |= named_type(one, at);
    return out;
}

json::array type_names_of(uint8_t types) {
    json::array out;
    for (const TypeName &type : type_names) {
        if ((types & type.types) != type.types) continue;
        out.emplace_back(type.name);
        types &= static_cast<uint8_t>(~type.types);
    }
    return out;
}

uint32_t count_keyword(const json::object &keywords, std::string_view name, uint32_t fallback,
                       const SchemaPlace &place) {
    const json::value *value = keywords.if_contains(name);
    if (!value) return fallback;
    const bool integer = value->is_int64() || value->is_uint64();
    if (!integer || (value->is_int64() && value->get_int64() < 0))
        schema_fails(QUANT_ERR_ARGUMENT, place.member(name), "expected a whole number, 0 or more");
    if (value->is_uint64() || value->get_int64() > GrammarLimits::repetitions)
        schema_fails(QUANT_ERR_LIMIT, place.member(name), fmt::format("more than {}", GrammarLimits::repetitions));
    return static_cast<uint32_t>(value->get_int64());
}

} // namespace quant::grammar
