// A grammar before it is compiled: rules, each of them an expression. Expressions are
// numbered and only refer to earlier ones, so a tree has no cycles but through rules, and
// one expression may stand in many places. Readers of GBNF and of schemas build it.
#pragma once

#include "text/code_point_set.h"

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quant::grammar {

using ExpressionId = uint32_t;
using RuleId = uint32_t;

struct Expression {
    enum class Kind : uint8_t { text, chars, rule, sequence, choice, repeat };

    Kind kind = Kind::text;
    uint16_t depth = 1;              ///< Of the expressions in it.
    uint32_t weight = 1;             ///< About the instructions it takes, rules counted as one.
    std::string text;                ///< text: the bytes.
    CodePointSet chars;              ///< chars: one of them.
    RuleId rule = 0;                 ///< rule
    std::vector<ExpressionId> parts; ///< sequence, choice (of none: nothing matches), repeat (one).
    uint32_t min = 0, max = 0;       ///< repeat; max may be `unbounded`.
};

struct Rule {
    static constexpr ExpressionId undefined = UINT32_MAX;

    std::string name; ///< For messages.
    ExpressionId body = undefined;
};

class GrammarTree {
public:
    static constexpr uint32_t unbounded = UINT32_MAX;
    static constexpr uint16_t max_depth = 4 * 256;

    // Expressions. Each throws Error (QUANT_ERR_LIMIT) when there are too many, or too deep.
    ExpressionId text(std::string_view bytes);
    ExpressionId chars(CodePointSet set);
    ExpressionId rule(RuleId id);
    ExpressionId sequence(std::vector<ExpressionId> parts);
    ExpressionId choice(std::vector<ExpressionId> parts);
    ExpressionId repeat(ExpressionId what, uint32_t min, uint32_t max);
    ExpressionId optional(ExpressionId what) { return repeat(what, 0, 1); }
    ExpressionId empty() { return text({}); }
    ExpressionId never() { return choice({}); }

    /// The rule of this name, which is made when it is new, still without a body.
    RuleId named(std::string_view name);
    /// A rule that no other name leads to; `name` is for messages.
    RuleId add_rule(std::string name);
    /// A new rule, as an expression: it is compiled once, wherever it stands.
    ExpressionId shared(std::string name, ExpressionId body);
    bool defined(RuleId id) const { return rules_[id].body != Rule::undefined; }
    void define(RuleId id, ExpressionId body) { rules_[id].body = body; }

    const Expression &at(ExpressionId id) const { return expressions_[id]; }
    size_t size() const { return expressions_.size(); }
    const std::vector<Rule> &rules() const { return rules_; }
    void set_root(RuleId id) { root_ = id; }
    RuleId root() const { return root_; }

private:
    ExpressionId add(Expression expression);

    std::vector<Expression> expressions_;
    std::vector<Rule> rules_;
    std::unordered_map<std::string, RuleId> names_;
    RuleId root_ = 0;
};

} // namespace quant::grammar
