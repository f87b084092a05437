#include "text/json_schema.h"

#include "base/error.h"
#include "text/json_schema_compiler.h"

#include <algorithm>
#include <cmath>

namespace quant {

namespace grammar {

namespace {

// Without recursion, because what follows recurses.
void check_size(const json::value &document) {
    std::vector<std::pair<const json::value *, uint32_t>> todo{{&document, 0}};
    for (uint32_t values = 0; !todo.empty(); ++values) {
        const auto [value, depth] = todo.back();
        todo.pop_back();
        if (values > GrammarLimits::elements)
            fail(QUANT_ERR_LIMIT, "JSON schema: more than {} values", GrammarLimits::elements);
        if (depth > GrammarLimits::nesting)
            fail(QUANT_ERR_LIMIT, "JSON schema: nested deeper than {} levels", GrammarLimits::nesting);
        if (value->is_object())
            for (const auto &member : value->get_object()) todo.emplace_back(&member.value(), depth + 1);
        if (value->is_array())
            for (const json::value &element : value->get_array()) todo.emplace_back(&element, depth + 1);
    }
}

/// "%7E1" of a URI's fragment, then "~1" of a JSON pointer.
std::string unescaped(std::string_view token) {
    std::string out;
    const auto hex = [](char c) { return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
    for (size_t i = 0; i < token.size(); ++i) {
        const bool percent = token[i] == '%' && i + 2 < token.size() &&
                             std::isxdigit(static_cast<uint8_t>(token[i + 1])) &&
                             std::isxdigit(static_cast<uint8_t>(token[i + 2]));
        out += percent ? static_cast<char>(hex(token[i + 1]) * 16 + hex(token[i + 2])) : token[i];
        if (percent) i += 2;
    }
    for (size_t i = 0; (i = out.find('~', i)) != out.npos; ++i)
        if (i + 1 < out.size() && (out[i + 1] == '0' || out[i + 1] == '1'))
            out.replace(i, 2, out[i + 1] == '0' ? "~" : "/");
    return out;
}

const json::value *child(const json::value &value, const std::string &token) {
    if (value.is_object()) return value.get_object().if_contains(token);
    if (!value.is_array() || token.empty() || token.size() > 9) return nullptr;
    if (token.find_first_not_of("0123456789") != token.npos) return nullptr;
    return value.get_array().if_contains(std::stoul(token));
}

} // namespace

uint8_t type_of(const json::value &value) {
    switch (value.kind()) {
    case boost::json::kind::null:
        return type_null;
    case boost::json::kind::bool_:
        return type_boolean;
    case boost::json::kind::object:
        return type_object;
    case boost::json::kind::array:
        return type_array;
    case boost::json::kind::string:
        return type_string;
    case boost::json::kind::double_:
        return std::floor(value.get_double()) == value.get_double() ? type_integer : type_fraction;
    default:
        return type_integer;
    }
}

SchemaCompiler::SchemaCompiler(const json::value &document, GrammarTree &tree)
    : tree_(tree),
      pieces_(tree),
      document_(document) {}

void SchemaCompiler::compile() { tree_.set_root(compile_part(document_, "#")); }

RuleId SchemaCompiler::compile_part(const json::value &part, std::string pointer) {
    check_size(document_);
    const auto [at, added] = references_.try_emplace(std::move(pointer), 0);
    if (!added) return at->second;
    const RuleId root = at->second = tree_.add_rule(at->first);
    tasks_.push_back({root, &part, {at->first, 0}});
    for (; !tasks_.empty(); tasks_.pop_front()) {
        const Task task = tasks_.front();
        tree_.define(task.rule, schema(*task.schema, task.place));
    }
    return root;
}

ExpressionId SchemaCompiler::schema(const json::value &value, const SchemaPlace &place) {
    if (place.depth > 2 * GrammarLimits::nesting) schema_fails(QUANT_ERR_LIMIT, place, "nested too deeply");
    if (value.is_bool()) return value.get_bool() ? pieces_.any() : tree_.never();
    if (!value.is_object()) schema_fails(QUANT_ERR_ARGUMENT, place, "expected a schema: an object, true or false");
    const json::object &object = value.get_object();
    const auto constrains = [&](auto &member) { return !is_annotation(member.key()); };
    const bool alone = std::count_if(object.begin(), object.end(), constrains) == 1;
    if (const json::value *reference = object.if_contains("$ref"); reference && alone)
        return referred(*reference, place);
    // What has to be merged may come back to itself: it becomes a rule, whose own place is
    // the top of a task.
    const bool merges = object.contains("$ref") || object.contains("allOf");
    if (merges && place.depth > 0) return merged(value, place);
    return flat(flatten(value, place), place);
}

ExpressionId SchemaCompiler::flat(const FlatSchema &flat, const SchemaPlace &place) {
    if (flat.never) return tree_.never();
    return flat.choices.empty() ? typed(flat.keywords, place) : multiplied(flat, place);
}

// The first choice's alternatives, each with all the rest.
ExpressionId SchemaCompiler::multiplied(const FlatSchema &flat, const SchemaPlace &place) {
    const SchemaChoice &choice = flat.choices[0];
    if (choice.exactly_one) check_exclusive(choice, flat.keywords, place);
    std::vector<ExpressionId> out;
    const SchemaPlace alternatives{choice.pointer, place.depth + 1};
    for (size_t i = 0; i < choice.alternatives->size(); ++i) {
        const json::value &alternative = (*choice.alternatives)[i];
        if (flat.keywords.empty() && flat.choices.size() == 1) {
            out.push_back(schema(alternative, alternatives.element(i)));
            continue;
        }
        json::array all{flat.keywords, alternative};
        for (size_t other = 1; other < flat.choices.size(); ++other)
            all.push_back(
                json::object{{flat.choices[other].exactly_one ? "oneOf" : "anyOf", *flat.choices[other].alternatives}});
        out.push_back(merged(json::object{{"allOf", std::move(all)}}, alternatives.element(i)));
    }
    return tree_.choice(std::move(out));
}

ExpressionId SchemaCompiler::merged(json::value value, const SchemaPlace &place) {
    std::string text = json::serialize(value);
    merged_bytes_ += text.size();
    if (merged_bytes_ > max_merged_bytes)
        schema_fails(QUANT_ERR_LIMIT, place, "allOf, anyOf and oneOf combine to too much");
    const auto [at, added] = merged_.try_emplace(std::move(text), 0);
    if (added) {
        at->second = tree_.add_rule(place.pointer);
        owned_.push_back(std::move(value));
        tasks_.push_back({at->second, &owned_.back(), {place.pointer, 0}});
    }
    return tree_.rule(at->second);
}

std::pair<const json::value *, std::string> SchemaCompiler::resolve(const json::value &reference,
                                                                    const SchemaPlace &place) const {
    const SchemaPlace at = place.member("$ref");
    const std::string_view text = string_of(reference, at);
    if (text != "#" && !text.starts_with("#/"))
        schema_fails(QUANT_ERR_UNSUPPORTED, at, "only references inside the schema, \"#/...\", are followed");
    const json::value *target = &document_;
    SchemaPlace found;
    for (size_t begin = 1; begin < text.size();) {
        const size_t end = std::min(text.find('/', begin + 1), text.size());
        const std::string token = unescaped(text.substr(begin + 1, end - begin - 1));
        target = child(*target, token);
        if (!target) schema_fails(QUANT_ERR_ARGUMENT, at, fmt::format("there is no '{}'", printable(text)));
        found = found.member(token);
        begin = end;
    }
    return {target, found.pointer};
}

ExpressionId SchemaCompiler::referred(const json::value &reference, const SchemaPlace &place) {
    auto [target, pointer] = resolve(reference, place);
    const auto [at, added] = references_.try_emplace(std::move(pointer), 0);
    if (added) {
        at->second = tree_.add_rule(at->first);
        tasks_.push_back({at->second, target, {at->first, 0}});
    }
    return tree_.rule(at->second);
}

ExpressionId SchemaCompiler::typed(const json::object &keywords, const SchemaPlace &place) {
    if (keywords.empty()) return pieces_.any();
    const std::optional<uint8_t> named = types_keyword(keywords, place);
    if (keywords.contains("const") || keywords.contains("enum"))
        return constants(keywords, named.value_or(all_types), place);
    uint8_t types = 0;
    for (const auto &member : keywords) types |= types_of_keyword(member.key());
    if (named) types = *named;
    std::vector<ExpressionId> out;
    if (types & type_object) out.push_back(object(keywords, place));
    if (types & type_array) out.push_back(array(keywords, place));
    if (types & type_string) out.push_back(string(keywords, place));
    if (types & (type_integer | type_fraction)) out.push_back(number(keywords, !(types & type_fraction), place));
    if (types & type_boolean) out.push_back(tree_.choice({tree_.text("true"), tree_.text("false")}));
    if (types & type_null) out.push_back(tree_.text("null"));
    return tree_.choice(std::move(out));
}

ExpressionId SchemaCompiler::constants(const json::object &keywords, uint8_t types, const SchemaPlace &place) {
    for (const auto &member : keywords)
        if (types_of_keyword(member.key()) != 0)
            schema_fails(QUANT_ERR_UNSUPPORTED, place.member(member.key()), "beside const or enum");
    const json::value *constant = keywords.if_contains("const"), *list = keywords.if_contains("enum");
    std::vector<const json::value *> values;
    if (list)
        for (const json::value &value : array_of(*list, place.member("enum"))) values.push_back(&value);
    else
        values.push_back(constant);
    std::erase_if(values, [&](const json::value *value) {
        return !(type_of(*value) & types) || (constant && *value != *constant);
    });
    return pieces_.one_of(values);
}

} // namespace grammar

GrammarPtr json_schema_grammar(const json::value &schema) {
    grammar::GrammarTree tree;
    grammar::SchemaCompiler(schema, tree).compile();
    return Grammar::compile(tree);
}

GrammarPtr any_json_grammar() {
    grammar::GrammarTree tree;
    grammar::JsonPieces pieces(tree);
    tree.set_root(tree.named("json-object"));
    return Grammar::compile(tree);
}

} // namespace quant
