#include "text/grammar_tree.h"

#include "base/error.h"
#include "text/grammar.h"

#include <algorithm>

namespace quant::grammar {

namespace {
constexpr uint64_t max_weight = UINT32_MAX;
} // namespace

ExpressionId GrammarTree::add(Expression expression) {
    if (expressions_.size() >= GrammarLimits::elements)
        fail(QUANT_ERR_LIMIT, "grammar: more than {} elements", GrammarLimits::elements);
    uint64_t weight = expression.weight;
    for (const ExpressionId part : expression.parts) {
        expression.depth = std::max<uint16_t>(expression.depth, static_cast<uint16_t>(at(part).depth + 1));
        weight += at(part).weight;
    }
    if (expression.depth > max_depth) fail(QUANT_ERR_LIMIT, "grammar: nested deeper than {} levels", max_depth);
    expression.weight = static_cast<uint32_t>(std::min(weight, max_weight));
    expressions_.push_back(std::move(expression));
    return static_cast<ExpressionId>(expressions_.size() - 1);
}

ExpressionId GrammarTree::text(std::string_view bytes) {
    Expression out;
    out.text = bytes;
    out.weight = static_cast<uint32_t>(std::min<uint64_t>(bytes.size(), max_weight));
    return add(std::move(out));
}

ExpressionId GrammarTree::chars(CodePointSet set) {
    if (set.empty()) return never();
    Expression out;
    out.kind = Expression::Kind::chars;
    out.chars = std::move(set);
    return add(std::move(out));
}

ExpressionId GrammarTree::rule(RuleId id) {
    Expression out;
    out.kind = Expression::Kind::rule;
    out.rule = id;
    return add(std::move(out));
}

ExpressionId GrammarTree::sequence(std::vector<ExpressionId> parts) {
    if (parts.size() == 1) return parts[0];
    Expression out;
    out.kind = Expression::Kind::sequence;
    out.parts = std::move(parts);
    return add(std::move(out));
}

ExpressionId GrammarTree::choice(std::vector<ExpressionId> parts) {
    if (parts.size() == 1) return parts[0];
    Expression out;
    out.kind = Expression::Kind::choice;
    out.parts = std::move(parts);
    return add(std::move(out));
}

ExpressionId GrammarTree::repeat(ExpressionId what, uint32_t min, uint32_t max) {
    const uint32_t highest = max == unbounded ? min : max;
    if (highest > GrammarLimits::repetitions)
        fail(QUANT_ERR_LIMIT, "grammar: {} repetitions are more than {}", highest, GrammarLimits::repetitions);
    Expression out;
    out.kind = Expression::Kind::repeat;
    out.parts = {what};
    out.min = min, out.max = max;
    out.weight = static_cast<uint32_t>(std::min(uint64_t{at(what).weight} * highest + 1, max_weight));
    return add(std::move(out));
}

RuleId GrammarTree::add_rule(std::string name) {
    if (rules_.size() >= GrammarLimits::rules)
        fail(QUANT_ERR_LIMIT, "grammar: more than {} rules", GrammarLimits::rules);
    rules_.push_back({std::move(name), Rule::undefined});
    return static_cast<RuleId>(rules_.size() - 1);
}

RuleId GrammarTree::named(std::string_view name) {
    const auto [at, added] = names_.try_emplace(std::string(name), 0);
    if (added) at->second = add_rule(at->first);
    return at->second;
}

ExpressionId GrammarTree::shared(std::string name, ExpressionId body) {
    const RuleId id = add_rule(std::move(name));
    define(id, body);
    return rule(id);
}

} // namespace quant::grammar
