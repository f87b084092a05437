// Whether of a oneOf's alternatives never two hold at once. A grammar cannot forbid that,
// so it must be plain from types, constants, or members that tell them apart.
#include "base/error.h"
#include "text/json_schema_compiler.h"

#include <algorithm>

namespace quant::grammar {

namespace {

bool has_constants(const json::object &schema) { return schema.contains("const") || schema.contains("enum"); }

std::vector<const json::value *> constants_of(const json::object &schema) {
    std::vector<const json::value *> out;
    if (const json::value *constant = schema.if_contains("const")) return {constant};
    if (const json::value *list = schema.if_contains("enum"); list && list->is_array())
        for (const json::value &value : list->get_array()) out.push_back(&value);
    return out;
}

/// What a document may be, also where the grammar would write less.
uint8_t possible_types(const json::object &schema, const SchemaPlace &place) {
    uint8_t out = types_keyword(schema, place).value_or(all_types);
    if (!has_constants(schema)) return out;
    uint8_t of_constants = 0;
    for (const json::value *value : constants_of(schema)) of_constants |= type_of(*value);
    return out & of_constants;
}

bool apart(const json::object &a, const json::object &b, const SchemaPlace &place) {
    if (!(possible_types(a, place) & possible_types(b, place))) return true;
    if (!has_constants(a) || !has_constants(b)) return false;
    // Numbers that are equal may be of different kinds, and are told apart by nothing here.
    const auto equal = [](const json::value &x, const json::value &y) {
        return x == y || (x.is_number() && y.is_number() && x.to_number<double>() == y.to_number<double>());
    };
    const std::vector<const json::value *> left = constants_of(a), right = constants_of(b);
    return std::none_of(left.begin(), left.end(), [&](const json::value *x) {
        return std::any_of(right.begin(), right.end(), [&](const json::value *y) { return equal(*x, *y); });
    });
}

bool requires_member(const json::object &schema, std::string_view name) {
    const json::value *required = schema.if_contains("required");
    if (!required || !required->is_array()) return false;
    const json::array &names = required->get_array();
    return std::find(names.begin(), names.end(), json::value(name)) != names.end();
}

const json::value *member_schema(const json::object &schema, std::string_view name) {
    const json::value *members = schema.if_contains("properties");
    return members && members->is_object() ? members->get_object().if_contains(name) : nullptr;
}

/// `a` requires a member that `b` forbids.
bool requires_foreign(const json::object &a, const json::object &b) {
    const json::value *required = a.if_contains("required"), *extra = b.if_contains("additionalProperties");
    if (!required || !required->is_array() || !extra || *extra != json::value(false)) return false;
    const json::array &names = required->get_array();
    return std::any_of(names.begin(), names.end(), [&](const json::value &name) {
        return name.is_string() && !member_schema(b, name.get_string());
    });
}

} // namespace

/// The object that a schema is, or refers to; null for others.
const json::object *SchemaCompiler::referred_object(const json::value &value, const SchemaPlace &place) const {
    const json::value *at = &value;
    for (unsigned hops = 0; hops < 16 && at->is_object(); ++hops) {
        const json::value *reference = at->get_object().if_contains("$ref");
        if (!reference) return &at->get_object();
        at = resolve(*reference, place).first;
    }
    return nullptr;
}

bool SchemaCompiler::apart_by_members(const json::object &a, const json::object &b, const SchemaPlace &place) const {
    if (requires_foreign(a, b) || requires_foreign(b, a)) return true;
    const json::value *members = a.if_contains("properties");
    if (!members || !members->is_object()) return false;
    for (const auto &[name, schema] : members->get_object()) {
        const json::value *other = member_schema(b, name);
        if (!other || !(requires_member(a, name) || requires_member(b, name))) continue;
        const json::object *left = referred_object(schema, place), *right = referred_object(*other, place);
        if (left && right && apart(*left, *right, place)) return true;
    }
    return false;
}

void SchemaCompiler::check_exclusive(const SchemaChoice &choice, const json::object &common, const SchemaPlace &place) {
    const SchemaPlace at{choice.pointer, place.depth + 1};
    if (choice.alternatives->size() > max_exclusive)
        schema_fails(QUANT_ERR_LIMIT, at, fmt::format("more than {} alternatives", max_exclusive));
    std::vector<FlatSchema> flats;
    for (size_t i = 0; i < choice.alternatives->size(); ++i) {
        FlatSchema flat{common, {}, false};
        merge(flat, (*choice.alternatives)[i], at.element(i));
        flats.push_back(std::move(flat));
    }
    for (size_t i = 0; i < flats.size(); ++i) {
        for (size_t j = 0; j < i; ++j) {
            if (flats[i].never || flats[j].never) continue;
            const json::object &a = flats[j].keywords, &b = flats[i].keywords;
            if (apart(a, b, at)) continue;
            const bool objects = (possible_types(a, at) & possible_types(b, at)) == type_object;
            if (objects && apart_by_members(a, b, at)) continue;
            schema_fails(QUANT_ERR_UNSUPPORTED, at,
                         fmt::format("alternatives {} and {} may hold at the same time, which a grammar cannot forbid; "
                                     "anyOf allows it",
                                     j, i));
        }
    }
}

} // namespace quant::grammar
