// Where arguments stand between marks, a text is written without quotes: it ends at its closing mark, which it cannot
// have within. All other values are JSON. A text of which the schema says more than that it is one cannot be held to
// that, but for a list of texts.
#include "text/tool_arguments.h"

#include "base/error.h"
#include "text/json_schema_compiler.h"
#include "text/text_without.h"
#include "text/tool_schema.h"

#include <algorithm>
#include <unordered_set>

namespace quant::grammar {

namespace {

std::string_view longest_of(const std::vector<std::string> &tokens, std::string_view text) {
    std::string_view best;
    for (const std::string &token : tokens)
        if (token.size() > best.size() && text.starts_with(token)) best = token;
    return best;
}

class TaggedArguments {
public:
    TaggedArguments(GrammarTree &tree, const CallShape &shape, const MarkWriter &marks, const std::string &tool,
                    const json::value &parameters)
        : tree_(tree),
          shape_(shape),
          marks_(marks),
          tool_(tool),
          parameters_(parameters),
          compiler_(parameters, tree) {}

    ExpressionId members() {
        const json::object &schema = top();
        std::unordered_set<std::string> required;
        if (const json::value *names = schema.if_contains("required"))
            for (const json::value &name : array_of(*names, at_.member("required")))
                required.emplace(string_of(name, at_.member("required")));
        std::vector<std::pair<std::string, const json::value *>> listed;
        if (const json::value *properties = schema.if_contains("properties"))
            for (const auto &[name, value] : object_of(*properties, at_.member("properties")))
                listed.emplace_back(name, &value);
        ExpressionId rest = write(shape_.end), first = write(shape_.middle_of_none);
        for (size_t i = listed.size(); i-- > 0;) {
            const auto &[name, value] = listed[i];
            const bool must = required.erase(name) > 0;
            const ExpressionId one = tree_.shared("argument", member(name, *value));
            const ExpressionId begin = tree_.sequence({write(shape_.middle), one, rest}),
                               next = tree_.sequence({write(shape_.more), one, rest});
            first = tree_.shared("arguments", must ? begin : tree_.choice({begin, first}));
            rest = tree_.shared("arguments", must ? next : tree_.choice({next, rest}));
        }
        for (const std::string &name : required)
            unsupported("required", fmt::format("names '{}', which is not listed", printable(name)));
        return first;
    }

private:
    [[noreturn]] void unsupported(std::string_view where, std::string_view what) const {
        fail(QUANT_ERR_UNSUPPORTED,
             "the parameters of '{}': {}: {}: this model's calls, which write text without quotes, cannot be held to "
             "that",
             tool_, printable(where), what);
    }

    const json::object &top() const {
        constexpr std::string_view known[] = {"type",    "properties",  "required", "additionalProperties",
                                              "$defs",   "definitions", "title",    "description",
                                              "$schema", "$id"};
        const json::object &schema = object_of(parameters_, at_);
        for (const auto &member : schema)
            if (std::find(std::begin(known), std::end(known), std::string_view(member.key())) == std::end(known))
                unsupported(std::string_view(member.key()), "beside properties");
        const json::value *type = schema.if_contains("type");
        if (type && *type != json::value("object")) unsupported("type", "not \"object\"");
        return schema;
    }

    ExpressionId write(const std::string &text) const { return marks_.write(text).expression; }

    ExpressionId member(const std::string &name, const json::value &value) {
        free_text_ = parts_ = false;
        const ExpressionId out =
            tree_.sequence({tree_.text(name), alternatives(name, value, at_.member("properties").member(name))});
        if (free_text_ && parts_) unsupported(name, "text or something with parts, which look alike");
        return out;
    }

    /// A value with the marks before it: of each alternative that its schema has.
    ExpressionId alternatives(const std::string &name, const json::value &value, const SchemaPlace &place) {
        if (place.depth > 16) unsupported(name, "alternatives in alternatives");
        const json::value &schema = followed(value);
        const unsigned types = allowed_types(schema);
        if (types != 0 && !(types & quant::type_string)) { // Not the schema compiler's bits.
            parts_ = parts_ || (types & (quant::type_object | quant::type_array)) != 0;
            return tree_.sequence({write(shape_.value), tree_.rule(compiler_.compile_part(value, place.pointer))});
        }
        const json::object *object = schema.if_object();
        for (const char *key : {"anyOf", "oneOf"}) {
            const json::value *list = object ? object->if_contains(key) : nullptr;
            if (!list) continue;
            check_says_no_more(name, *object, key);
            std::vector<ExpressionId> out;
            const SchemaPlace of = place.member(key);
            for (size_t i = 0; i < array_of(*list, of).size(); ++i)
                out.push_back(alternatives(name, list->get_array()[i], of.element(i)));
            return tree_.choice(std::move(out));
        }
        return text(name, schema);
    }

    /// References to elsewhere in the schema, as many as a careful writer has behind each other.
    const json::value &followed(const json::value &value) const {
        const json::value *out = &value;
        for (int i = 0; i < 16; ++i) {
            const json::object *object = out->if_object();
            const json::value *reference = object ? object->if_contains("$ref") : nullptr;
            const json::string *to = reference ? reference->if_string() : nullptr;
            if (!to || !to->starts_with('#')) break;
            boost::json::error_code error;
            const json::value *found = parameters_.find_pointer(std::string_view(*to).substr(1), error);
            if (!found) break;
            out = found;
        }
        return *out;
    }

    ExpressionId text(const std::string &name, const json::value &schema) {
        if (const json::object *object = schema.if_object()) {
            if (const json::value *list = object->if_contains("enum"))
                return one_of(name, array_of(*list, at_.member(name)));
            if (const json::value *constant = object->if_contains("const")) return one_of(name, {*constant});
            check_says_no_more(name, *object, "type");
        }
        free_text_ = true;
        return tree_.sequence({write(shape_.text_value), text_without(tree_, {shape_.value_close}, 0)});
    }

    ExpressionId one_of(const std::string &name, const json::array &values) {
        std::vector<ExpressionId> texts, others;
        for (const json::value &value : values) {
            if (value.is_object() || value.is_array() ||
                (value.is_string() && value.get_string().find(shape_.value_close) != json::string::npos))
                unsupported(name, "an enum of what is no plain text or number");
            if (value.is_string())
                texts.push_back(tree_.text(std::string_view(value.get_string())));
            else
                others.push_back(tree_.text(json::serialize(value)));
        }
        return tree_.choice({tree_.sequence({write(shape_.text_value), tree_.choice(std::move(texts))}),
                             tree_.sequence({write(shape_.value), tree_.choice(std::move(others))})});
    }

    void check_says_no_more(const std::string &name, const json::object &schema, std::string_view than) const {
        for (const auto &member : schema)
            if (!is_annotation(member.key()) && member.key() != than)
                unsupported(name, fmt::format("'{}' of what may be text", printable(std::string_view(member.key()))));
    }

    GrammarTree &tree_;
    const CallShape &shape_;
    const MarkWriter &marks_;
    const std::string &tool_;
    const json::value &parameters_;
    SchemaCompiler compiler_;
    SchemaPlace at_;
    bool free_text_ = false, parts_ = false; ///< What the member at hand may be.
};

} // namespace

MarkWriter::Written MarkWriter::write(std::string_view text) const {
    std::vector<ExpressionId> parts;
    std::string literal;
    const auto flush = [&] {
        if (!literal.empty()) parts.push_back(tree_.text(std::exchange(literal, {})));
    };
    for (size_t at = 0; at < text.size();) {
        const std::string_view rest = text.substr(at);
        const std::string_view control = longest_of(tokens_.controls, rest), end = longest_of(tokens_.ends, rest);
        if (!end.empty() && end.size() >= control.size()) {
            flush();
            return {tree_.sequence(std::move(parts)), true};
        }
        if (!control.empty()) (literal += control_lead) += control;
        if (rest[0] == CallShape::id || rest[0] == CallShape::number) {
            flush();
            const CodePointSet digits({{'0', '9'}}), letters({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}});
            parts.push_back(rest[0] == CallShape::id ? tree_.repeat(tree_.chars(letters), 9, 9)
                                                     : tree_.repeat(tree_.chars(digits), 1, 2));
        } else if (control.empty()) {
            literal += rest[0];
        }
        at += std::max<size_t>(control.size(), 1);
    }
    flush();
    return {tree_.sequence(std::move(parts)), false};
}

ExpressionId tagged_arguments(GrammarTree &tree, const CallShape &shape, const MarkWriter &marks,
                              const std::string &tool, const json::value *parameters) {
    if (parameters) return TaggedArguments(tree, shape, marks, tool, *parameters).members();
    const auto write = [&](const std::string &text) { return marks.write(text).expression; };
    const ExpressionId key =
        tree.repeat(tree.chars(CodePointSet({{'0', '9'}, {'A', 'Z'}, {'a', 'z'}, {'_', '_'}, {'-', '.'}})), 1, 128);
    const ExpressionId value = text_without(tree, {shape.value_close}, 0);
    const ExpressionId member = tree.shared(
        "argument", tree.sequence({key, tree.choice({write(shape.text_value), write(shape.value)}), value}));
    const ExpressionId more = tree.repeat(tree.sequence({write(shape.more), member}), 0, GrammarTree::unbounded);
    return tree.choice(
        {tree.sequence({write(shape.middle), member, more, write(shape.end)}), write(shape.middle_of_none)});
}

} // namespace quant::grammar
