// What several schemas say together, as one object of keywords. What two of them say of
// a member or an element becomes an allOf of its own, which is merged when it is its turn.
#include "base/error.h"
#include "text/grammar.h"
#include "text/json_schema_compiler.h"

#include <algorithm>

namespace quant::grammar {

namespace {

bool is_everything(const json::value &schema) {
    return schema.is_bool() ? schema.get_bool() : schema.is_object() && schema.get_object().empty();
}

void append_parts(json::array &out, const json::value &schema) {
    const json::object *object = schema.if_object();
    const json::value *parts = object && object->size() == 1 ? object->if_contains("allOf") : nullptr;
    if (parts && parts->is_array()) {
        for (const json::value &part : parts->get_array()) append_parts(out, part);
        return;
    }
    if (std::find(out.begin(), out.end(), schema) == out.end()) out.push_back(schema);
}

json::value both(const json::value &a, const json::value &b) {
    if (is_everything(a) || a == b) return b;
    if (is_everything(b)) return a;
    json::array parts;
    append_parts(parts, a);
    append_parts(parts, b);
    return parts.size() == 1 ? parts[0] : json::value(json::object{{"allOf", std::move(parts)}});
}

json::value value_or(const json::object &schema, std::string_view name, json::value fallback) {
    const json::value *found = schema.if_contains(name);
    return found ? *found : fallback;
}

// A member that one schema does not list is one of its additional ones.
void merge_members(json::object &into, const json::object &from, const SchemaPlace &place) {
    const auto speaks = [](const json::object &o) {
        return o.contains("properties") || o.contains("additionalProperties");
    };
    if (!speaks(from)) return;
    const json::value properties = value_or(from, "properties", json::object());
    const json::object &added = object_of(properties, place.member("properties"));
    const json::value extra = value_or(from, "additionalProperties", true);
    const bool first = !speaks(into);
    const json::value before = value_or(into, "additionalProperties", true);
    json::object members = value_or(into, "properties", json::object()).as_object();
    if (!first)
        for (auto &member : members) member.value() = both(member.value(), value_or(added, member.key(), extra));
    for (const auto &[name, schema] : added)
        if (!members.contains(name)) members.emplace(name, first ? schema : both(before, schema));
    if (into.contains("properties") || from.contains("properties")) into["properties"] = std::move(members);
    if (into.contains("additionalProperties") || from.contains("additionalProperties"))
        into["additionalProperties"] = first ? extra : both(before, extra);
}

void merge_elements(json::object &into, const json::object &from, const SchemaPlace &place) {
    const auto speaks = [](const json::object &o) { return o.contains("prefixItems") || o.contains("items"); };
    if (!speaks(from)) return;
    const json::value prefix = value_or(from, "prefixItems", json::array());
    const json::array &added = array_of(prefix, place.member("prefixItems"));
    json::array elements = value_or(into, "prefixItems", json::array()).as_array();
    const json::value before = value_or(into, "items", true), rest = value_or(from, "items", true);
    const size_t count = std::max(elements.size(), added.size());
    elements.resize(count, before);
    for (size_t i = 0; i < count; ++i) elements[i] = both(elements[i], i < added.size() ? added[i] : rest);
    if (count > 0) into["prefixItems"] = std::move(elements);
    if (into.contains("items") || from.contains("items")) into["items"] = both(before, rest);
}

long double numeric(const json::value &value, const SchemaPlace &place) {
    if (value.is_double()) return value.get_double();
    if (value.is_int64()) return static_cast<long double>(value.get_int64());
    if (value.is_uint64()) return static_cast<long double>(value.get_uint64());
    schema_fails(QUANT_ERR_ARGUMENT, place, "expected a number");
}

bool is_lower_bound(std::string_view name) { return name.starts_with("min") || name == "exclusiveMinimum"; }
bool is_upper_bound(std::string_view name) { return name.starts_with("max") || name == "exclusiveMaximum"; }

/// A keyword that both have. False when nothing can satisfy both.
bool merge_shared(json::object &into, std::string_view name, const json::value &value, const SchemaPlace &place) {
    json::value &old = into.at(name);
    const SchemaPlace at = place.member(name);
    if (old == value) return true;
    if (name == "type") {
        const uint8_t types = *types_keyword(into, place) & *types_keyword({{"type", value}}, place);
        old = type_names_of(types);
        return types != 0;
    }
    if (name == "required") {
        json::array all = array_of(old, at);
        for (const json::value &one : array_of(value, at))
            if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
        old = std::move(all);
        return true;
    }
    if (name == "enum") {
        json::array kept;
        const json::array &other = array_of(value, at);
        for (const json::value &one : array_of(old, at))
            if (std::find(other.begin(), other.end(), one) != other.end()) kept.push_back(one);
        old = std::move(kept);
        return true;
    }
    if (name == "const") return false;
    const bool greater = is_lower_bound(name) || is_upper_bound(name) ? numeric(value, at) > numeric(old, at) : false;
    if (is_lower_bound(name) ? greater : is_upper_bound(name) && !greater) old = value;
    if (!is_lower_bound(name) && !is_upper_bound(name))
        schema_fails(QUANT_ERR_UNSUPPORTED, at, "two of these cannot be merged");
    return true;
}

/// Those of its own that say what is valid, with draft 7's arrays of items as prefixItems.
json::object own_keywords(const json::object &schema, const SchemaPlace &place) {
    json::object out;
    for (const auto &[name, value] : schema) {
        const std::string_view key = name;
        const bool combines = key == "$ref" || key == "allOf" || key == "anyOf" || key == "oneOf";
        if (!is_annotation(key) && !combines && key != "uniqueItems" && key != "additionalItems")
            out.emplace(key, value);
    }
    const json::value *items = out.if_contains("items");
    if (!items || !items->is_array()) return out;
    if (out.contains("prefixItems"))
        schema_fails(QUANT_ERR_ARGUMENT, place.member("items"), "an array beside prefixItems");
    out["prefixItems"] = json::array(items->get_array());
    out.erase("items");
    if (const json::value *rest = schema.if_contains("additionalItems")) out["items"] = *rest;
    return out;
}

} // namespace

FlatSchema SchemaCompiler::flatten(const json::value &value, const SchemaPlace &place) {
    FlatSchema out;
    merge(out, value, place);
    return out;
}

void SchemaCompiler::merge(FlatSchema &into, const json::value &value, const SchemaPlace &place) {
    if (place.depth > 2 * GrammarLimits::nesting) schema_fails(QUANT_ERR_LIMIT, place, "nested too deeply");
    if (value.is_bool()) {
        into.never |= !value.get_bool();
        return;
    }
    if (!value.is_object()) schema_fails(QUANT_ERR_ARGUMENT, place, "expected a schema: an object, true or false");
    const json::object &schema = value.get_object();
    check_keywords(schema, place);
    const bool combines = schema.contains("$ref") || schema.contains("allOf");
    if (combines && ++merges_ > max_merges) schema_fails(QUANT_ERR_LIMIT, place, "allOf and $ref combine to too much");
    if (const json::value *reference = schema.if_contains("$ref")) {
        const auto [target, pointer] = resolve(*reference, place);
        merge(into, *target, {pointer, place.depth + 1});
    }
    if (const json::value *all = schema.if_contains("allOf")) {
        const SchemaPlace at = place.member("allOf");
        const json::array &parts = array_of(*all, at);
        for (size_t i = 0; i < parts.size(); ++i) merge(into, parts[i], at.element(i));
    }
    const json::object own = own_keywords(schema, place);
    merge_members(into.keywords, own, place);
    merge_elements(into.keywords, own, place);
    for (const auto &[name, keyword] : own) {
        const std::string_view key = name;
        if (key == "properties" || key == "additionalProperties" || key == "prefixItems" || key == "items") continue;
        if (!into.keywords.contains(key))
            into.keywords.emplace(key, keyword);
        else if (!merge_shared(into.keywords, key, keyword, place))
            into.never = true;
    }
    for (const std::string_view name : {"anyOf", "oneOf"}) {
        const json::value *choice = schema.if_contains(name);
        const SchemaPlace at = place.member(name);
        if (choice) into.choices.push_back({&array_of(*choice, at), at.pointer, name == "oneOf"});
    }
}

} // namespace quant::grammar
