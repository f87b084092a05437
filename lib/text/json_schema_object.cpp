// Objects of a schema: the listed members in their order, of which those that are not
// required may be left out, then others where the schema asks for them. Two rules stand
// for each place in the list, before and after the first member that is written, so that
// a comma stands exactly between members.
#include "base/error.h"
#include "text/json_schema_compiler.h"

#include <unordered_set>

namespace quant::grammar {

namespace {

struct Member {
    std::string name;
    const json::value *schema;
    bool required;
    SchemaPlace place;
};

} // namespace

ExpressionId SchemaCompiler::member(const std::string &name, const json::value &value, const SchemaPlace &place) {
    return tree_.shared(place.pointer, tree_.sequence({tree_.text(scalar_text(json::value(name)) + ":"),
                                                       pieces_.space(), schema(value, place)}));
}

ExpressionId SchemaCompiler::object(const json::object &keywords, const SchemaPlace &place) {
    std::unordered_set<std::string> required;
    std::vector<std::string> order;
    if (const json::value *names = keywords.if_contains("required"))
        for (const json::value &name : array_of(*names, place.member("required"))) {
            order.emplace_back(string_of(name, place.member("required")));
            required.insert(order.back());
        }
    const SchemaPlace extra_place = place.member("additionalProperties");
    const json::value *extra = keywords.if_contains("additionalProperties"),
                      *listed = keywords.if_contains("properties");
    static const json::value everything(true);
    if (!extra && !listed) {
        if (required.empty()) return pieces_.named("json-object");
        extra = &everything;
    }

    std::vector<Member> members;
    std::vector<std::string> names;
    if (listed)
        for (const auto &[name, value] : object_of(*listed, place.member("properties"))) {
            names.emplace_back(name);
            members.push_back(
                {names.back(), &value, required.erase(names.back()) > 0, place.member("properties").member(name)});
        }
    // What is required but not listed is one of the additional members.
    for (const std::string &name : order) {
        if (required.erase(name) == 0) continue;
        names.push_back(name);
        members.push_back({name, extra ? extra : &everything, true, extra_place});
    }

    const ExpressionId comma = tree_.sequence({tree_.text(","), pieces_.space()});
    ExpressionId rest = pieces_.space(), first = tree_.empty();
    if (extra && *extra != json::value(false)) {
        const ExpressionId name = names.empty() ? pieces_.named("json-string") : pieces_.other_name(names);
        const ExpressionId one = tree_.shared(
            extra_place.pointer, tree_.sequence({name, tree_.text(":"), pieces_.space(), schema(*extra, extra_place)}));
        const ExpressionId more = tree_.repeat(tree_.sequence({comma, one}), 0, GrammarTree::unbounded);
        first = tree_.optional(tree_.sequence({one, more, pieces_.space()}));
        rest = tree_.sequence({more, pieces_.space()});
    }
    for (size_t i = members.size(); i-- > 0;) {
        const ExpressionId one = member(members[i].name, *members[i].schema, members[i].place);
        const ExpressionId begin = tree_.sequence({one, rest}), next = tree_.sequence({comma, one, rest});
        first = tree_.shared(place.pointer, members[i].required ? begin : tree_.choice({begin, first}));
        rest = tree_.shared(place.pointer, members[i].required ? next : tree_.choice({next, rest}));
    }
    return tree_.sequence({tree_.text("{"), pieces_.space(), first, tree_.text("}")});
}

} // namespace quant::grammar
