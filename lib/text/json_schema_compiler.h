// A JSON schema into a grammar. Each schema becomes one flat object of keywords first:
// references followed, allOf merged, anyOf multiplied out; that is then a choice of one
// expression for each type it allows. Schemas that are referred to, and those that
// merging made, are rules, made once and later, so that recursion in a schema is
// recursion in the grammar and never in this program.
#pragma once

#include "text/json_pieces.h"

#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

namespace quant::grammar {

/// Types as bits, of which "number" has two, because each integer is a number.
enum JsonType : uint8_t {
    type_null = 1,
    type_boolean = 2,
    type_object = 4,
    type_array = 8,
    type_string = 16,
    type_integer = 32,
    type_fraction = 64,
    all_types = 127,
};
uint8_t type_of(const json::value &value);

/// Where a schema stands.
struct SchemaPlace {
    std::string pointer = "#";
    uint32_t depth = 0;

    SchemaPlace member(std::string_view name) const;
    SchemaPlace element(size_t index) const { return {pointer + '/' + std::to_string(index), depth + 1}; }
};

/// A list of schemas of which one must hold.
struct SchemaChoice {
    const json::array *alternatives;
    std::string pointer;
    bool exactly_one;
};

/// What a schema's keywords say together.
struct FlatSchema {
    json::object keywords;
    std::vector<SchemaChoice> choices;
    bool never = false; ///< A `false` was among them.
};

class SchemaCompiler {
public:
    /// `document` must outlive this.
    SchemaCompiler(const json::value &document, GrammarTree &tree);
    /// Defines the root of the tree. Throws as json_schema_grammar().
    void compile();
    /// A rule for `schema`, which stands at `pointer` in the document. Throws likewise.
    RuleId compile_part(const json::value &schema, std::string pointer);

private:
    static constexpr uint32_t max_merges = 20'000;
    static constexpr size_t max_merged_bytes = size_t{16} << 20;
    static constexpr size_t max_exclusive = 256; ///< Alternatives of a oneOf.

    struct Task {
        RuleId rule;
        const json::value *schema;
        SchemaPlace place;
    };

    // json_schema.cpp
    ExpressionId schema(const json::value &value, const SchemaPlace &place);
    ExpressionId flat(const FlatSchema &flat, const SchemaPlace &place);
    ExpressionId typed(const json::object &keywords, const SchemaPlace &place);
    ExpressionId multiplied(const FlatSchema &flat, const SchemaPlace &place);
    ExpressionId constants(const json::object &keywords, uint8_t types, const SchemaPlace &place);
    ExpressionId referred(const json::value &reference, const SchemaPlace &place);
    ExpressionId merged(json::value value, const SchemaPlace &place);
    std::pair<const json::value *, std::string> resolve(const json::value &reference, const SchemaPlace &place) const;

    // json_schema_merge.cpp
    FlatSchema flatten(const json::value &value, const SchemaPlace &place);
    void merge(FlatSchema &into, const json::value &value, const SchemaPlace &place);

    // json_schema_exclusive.cpp
    void check_exclusive(const SchemaChoice &choice, const json::object &common, const SchemaPlace &place);
    bool apart_by_members(const json::object &a, const json::object &b, const SchemaPlace &place) const;
    const json::object *referred_object(const json::value &value, const SchemaPlace &place) const;

    // json_schema_types.cpp, json_schema_object.cpp
    ExpressionId string(const json::object &keywords, const SchemaPlace &place);
    ExpressionId number(const json::object &keywords, bool integer, const SchemaPlace &place);
    ExpressionId array(const json::object &keywords, const SchemaPlace &place);
    ExpressionId object(const json::object &keywords, const SchemaPlace &place);
    ExpressionId member(const std::string &name, const json::value &value, const SchemaPlace &place);

    GrammarTree &tree_;
    JsonPieces pieces_;
    const json::value &document_;
    std::unordered_map<std::string, RuleId> references_; ///< By JSON pointer.
    std::unordered_map<std::string, RuleId> merged_;     ///< By the text of what merging made.
    std::deque<json::value> owned_;                      ///< What merging made.
    std::deque<Task> tasks_;                             ///< Rules still without a body.
    size_t merged_bytes_ = 0;
    uint32_t merges_ = 0;
};

// Keywords of a schema (json_schema_keywords.cpp).

/// Throws Error for keywords that cannot be expressed, and for unknown ones.
void check_keywords(const json::object &schema, const SchemaPlace &place);
/// Whether a keyword says nothing of what is valid.
bool is_annotation(std::string_view keyword);
/// The types that a keyword speaks of; 0 for one that speaks of all.
uint8_t types_of_keyword(std::string_view keyword);
/// The types that `type` names; nothing without one.
std::optional<uint8_t> types_keyword(const json::object &keywords, const SchemaPlace &place);
/// A `type` that names them.
json::array type_names_of(uint8_t types);
/// A count. Throws Error (QUANT_ERR_ARGUMENT, QUANT_ERR_LIMIT).
uint32_t count_keyword(const json::object &keywords, std::string_view name, uint32_t fallback,
                       const SchemaPlace &place);
const json::array &array_of(const json::value &value, const SchemaPlace &place);
const json::object &object_of(const json::value &value, const SchemaPlace &place);
std::string_view string_of(const json::value &value, const SchemaPlace &place);

/// Throw an Error that begins with where the schema is wrong.
[[noreturn]] void schema_fails(quant_status status, const SchemaPlace &place, std::string_view what);

} // namespace quant::grammar
