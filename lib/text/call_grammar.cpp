// A reply is reasoning, text and calls in this order, each of which may be missing; what is asked for decides which
// must be there. Text is kept from the marks of calls, so that no call can come but by the rules of calls.
#include "text/call_grammar.h"

#include "base/error.h"
#include "text/json_schema_compiler.h"
#include "text/text_without.h"
#include "text/tool_arguments.h"

#include <algorithm>

namespace quant {

namespace grammar {

namespace {

struct Tool {
    std::string name;
    json::value parameters;
    bool strict;
};

/// What a schema without a type, or no schema, is of arguments.
json::value object_schema(const json::value *parameters) {
    if (!parameters || parameters->is_null()) return json::object{{"type", "object"}, {"properties", json::object()}};
    json::value out = *parameters;
    if (json::object *object = out.if_object(); object && !object->contains("type") && !object->contains("$ref"))
        object->emplace("type", "object");
    return out;
}

Tool tool_of(const json::value &value) {
    const json::object *outer = value.if_object();
    const json::value *nested = outer ? outer->if_contains("function") : nullptr;
    const json::object *function = nested ? nested->if_object() : outer;
    const json::value *name = function ? function->if_contains("name") : nullptr;
    if (!name || !name->is_string())
        fail(QUANT_ERR_ARGUMENT, "tools: expected objects with a function that has a name");
    Tool out{std::string(name->get_string()), object_schema(function->if_contains("parameters")), false};
    const auto is_plain = [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-' ||
               c == '.';
    };
    if (out.name.empty() || out.name.size() > 128 || !std::all_of(out.name.begin(), out.name.end(), is_plain))
        fail(QUANT_ERR_ARGUMENT, "tools: the name '{}': expected 1 to 128 letters, digits, _, - and .",
             printable(out.name));
    const json::value *strict = function->if_contains("strict");
    out.strict = strict && *strict == json::value(true);
    return out;
}

std::vector<Tool> tools_of(const json::value &tools, const std::string &only) {
    const json::array *list = tools.if_array();
    if (!list || list->empty()) fail(QUANT_ERR_ARGUMENT, "tools: expected an array of at least one");
    std::vector<Tool> out;
    for (const json::value &one : *list) out.push_back(tool_of(one));
    if (only.empty()) return out;
    std::erase_if(out, [&](const Tool &tool) { return tool.name != only; });
    if (out.empty()) fail(QUANT_ERR_ARGUMENT, "there is no tool '{}' to call", printable(only));
    return out;
}

class CallGrammar {
public:
    CallGrammar(const ReplyFormat &format, const CallShape &shape, const json::value &tools, const CallRules &rules,
                const MarkTokens &tokens)
        : format_(format),
          shape_(shape),
          rules_(rules),
          tools_(tools_of(tools, rules.only)),
          marks_(tree_, tokens) {}

    GrammarPtr compile() {
        if (!rules_.required && format_.family->header)
            fail(QUANT_ERR_UNSUPPORTED,
                 "strict functions, or one call at most, beside text: not with this model, whose calls are headers of "
                 "its reply's parts; where a call is required it can be done");
        add_json_rules(tree_, true);
        const ExpressionId root = rules_.required ? tree_.sequence({reasoning(), calls()}) : open_reply();
        const RuleId rule = tree_.add_rule("reply");
        tree_.define(rule, root);
        tree_.set_root(rule);
        return Grammar::compile(tree_);
    }

private:
    ExpressionId text_but(std::vector<std::string> marks, const CodePointSet &not_first = {}) {
        std::erase(marks, "");
        return text_without(tree_, marks, control_lead, not_first);
    }

    /// Marks by which calls begin; in reasoning only control tokens do.
    std::vector<std::string> call_marks(bool in_reasoning) const {
        std::vector<std::string> out;
        for (size_t i = 0; i < format_.family->call_syntaxes; ++i) {
            const CallSyntax &syntax = format_.family->calls[i];
            if (in_reasoning && !syntax.control) continue;
            for (const std::string_view mark : {syntax.open, syntax.call_open})
                if (!mark.empty()) out.emplace_back(mark);
        }
        return out;
    }

    // Reasoning.
    std::string reasoning_end() const {
        return shape_.reasoning_last.empty() ? std::string(format_.reasoning->close) : shape_.reasoning_last;
    }
    std::string reasoning_begin() const {
        return shape_.reasoning_first.empty() ? std::string(format_.reasoning->open) : shape_.reasoning_first;
    }
    ExpressionId thoughts() {
        std::vector<std::string> marks = call_marks(true);
        marks.emplace_back(format_.reasoning->close);
        return text_but(std::move(marks));
    }
    ExpressionId blanks() { return tree_.repeat(tree_.chars(CodePointSet({{'\n', '\n'}, {' ', ' '}})), 0, 4); }
    ExpressionId end_of_reasoning() {
        const MarkWriter::Written end = marks_.write(reasoning_end());
        if (end.ends) return tree_.never(); // The reply ends with it.
        return tree_.sequence({end.expression, blanks()});
    }
    /// All of it, if any.
    ExpressionId reasoning() {
        if (rules_.in_reasoning) return tree_.sequence({thoughts(), end_of_reasoning()});
        // Whether a model reasons that is not known to is its own affair, but not where it is to call.
        const std::string begin = rules_.required ? shape_.reasoning_first : reasoning_begin();
        if (begin.empty()) return tree_.empty();
        return tree_.optional(tree_.sequence({marks_.write(begin).expression, thoughts(), end_of_reasoning()}));
    }

    // Text and calls as the model likes.
    ExpressionId open_reply() {
        const ExpressionId called = calls();
        ExpressionId body;
        if (rules_.content) {
            const RuleId rule = SchemaCompiler(*rules_.content, tree_).compile_part(*rules_.content, "#");
            body = tree_.choice({tree_.rule(rule), called});
        } else {
            body = tree_.sequence({content(), tree_.optional(called)});
        }
        const ExpressionId whole = tree_.sequence({reasoning(), body});
        if (rules_.content) return whole;
        // It may end while it reasons.
        if (rules_.in_reasoning) return tree_.choice({whole, thoughts()});
        const std::string begin = reasoning_begin();
        return begin.empty() ? whole
                             : tree_.choice({whole, tree_.sequence({marks_.write(begin).expression, thoughts()})});
    }
    ExpressionId content() {
        std::vector<std::string> marks = call_marks(false);
        marks.emplace_back(format_.reasoning->open), marks.emplace_back(format_.reasoning->close);
        const auto syntaxes = std::span(format_.family->calls).first(format_.family->call_syntaxes);
        const bool bare = std::any_of(syntaxes.begin(), syntaxes.end(), [](const CallSyntax &s) { return s.bare; });
        return text_but(std::move(marks), bare ? CodePointSet({{'{', '{'}}) : CodePointSet());
    }

    // Calls.
    ExpressionId calls() {
        const ExpressionId one = tree_.shared("call", any_call());
        std::vector<ExpressionId> parts{written(shape_.first), one};
        const MarkWriter::Written next = marks_.write(shape_.next);
        if (!rules_.single && !shape_.next.empty() && !next.ends)
            parts.push_back(tree_.repeat(tree_.sequence({next.expression, one}), 0, GrammarTree::unbounded));
        parts.push_back(marks_.write(shape_.last).expression);
        return tree_.sequence(std::move(parts));
    }
    ExpressionId any_call() {
        std::vector<ExpressionId> out;
        for (const Tool &tool : tools_) out.push_back(tree_.sequence({tree_.text(tool.name), arguments(tool)}));
        return tree_.choice(std::move(out));
    }
    /// From the name to the end of the arguments.
    ExpressionId arguments(const Tool &tool) {
        const bool held = rules_.required || tool.strict;
        if (shape_.tagged) return tagged_arguments(tree_, shape_, marks_, tool.name, held ? &tool.parameters : nullptr);
        const ExpressionId object =
            held ? tree_.rule(SchemaCompiler(tool.parameters, tree_).compile_part(tool.parameters, "#"))
                 : JsonPieces(tree_).named("json-object");
        return tree_.sequence({written(shape_.middle), object});
    }
    ExpressionId written(const std::string &text) {
        const MarkWriter::Written out = marks_.write(text);
        if (out.ends)
            fail(QUANT_ERR_UNSUPPORTED,
                 "calls of this model cannot be held to a schema: a token within them ends replies");
        return out.expression;
    }

    const ReplyFormat &format_;
    const CallShape &shape_;
    const CallRules &rules_;
    const std::vector<Tool> tools_;
    GrammarTree tree_;
    MarkWriter marks_;
};

} // namespace

} // namespace grammar

GrammarPtr call_grammar(const ReplyFormat &format, const CallShape &shape, const json::value &tools,
                        const CallRules &rules, const MarkTokens &tokens) {
    return grammar::CallGrammar(format, shape, tools, rules, tokens).compile();
}

} // namespace quant
