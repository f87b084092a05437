#include "text/grammar_facts.h"

#include "base/error.h"

#include <cstdint>

namespace quant::grammar {

namespace {

using Kind = Expression::Kind;

// Properties that spread from parts to wholes: an expression has one as soon as `needed`
// of its parts have it. Each part that turns true is counted once at each whole it is in,
// so the cost is the number of parts.
class Spread {
public:
    static constexpr uint32_t never = UINT32_MAX;

    explicit Spread(const GrammarTree &tree) : tree_(tree), wholes_begin_(tree.size() + 1) {
        each_part([&](uint32_t, ExpressionId part) { ++wholes_begin_[part + 1]; });
        for (size_t i = 1; i < wholes_begin_.size(); ++i) wholes_begin_[i] += wholes_begin_[i - 1];
        wholes_.resize(wholes_begin_.back());
        std::vector<uint32_t> next(wholes_begin_.begin(), wholes_begin_.end() - 1);
        each_part([&](uint32_t whole, ExpressionId part) { wholes_[next[part]++] = whole; });
    }

    /// `needed` says of an expression how many of its parts it takes: 0 for true at once.
    template <class Needed> std::vector<bool> solve(Needed needed) const {
        std::vector<bool> out(tree_.size());
        std::vector<uint32_t> missing(tree_.size()), ready;
        for (uint32_t id = 0; id < tree_.size(); ++id) {
            missing[id] = needed(tree_.at(id));
            if (missing[id] == 0) out[id] = true, ready.push_back(id);
        }
        while (!ready.empty()) {
            const uint32_t part = ready.back();
            ready.pop_back();
            for (uint32_t i = wholes_begin_[part]; i < wholes_begin_[part + 1]; ++i) {
                const uint32_t whole = wholes_[i];
                if (out[whole] || missing[whole] == never || --missing[whole] > 0) continue;
                out[whole] = true;
                ready.push_back(whole);
            }
        }
        return out;
    }

private:
    template <class Visit> void each_part(Visit visit) const {
        for (uint32_t id = 0; id < tree_.size(); ++id) {
            const Expression &e = tree_.at(id);
            for (const ExpressionId part : e.parts) visit(id, part);
            if (e.kind == Kind::rule) visit(id, tree_.rules()[e.rule].body);
        }
    }

    const GrammarTree &tree_;
    std::vector<uint32_t> wholes_begin_, wholes_; ///< The wholes that a part is in.
};

uint32_t needed_to_end(const Expression &e) {
    switch (e.kind) {
    case Kind::text:
    case Kind::chars:
        return 0;
    case Kind::rule:
        return 1;
    case Kind::sequence:
        return static_cast<uint32_t>(e.parts.size());
    case Kind::choice:
        return e.parts.empty() ? Spread::never : 1;
    case Kind::repeat:
        return e.min == 0 ? 0 : 1;
    }
    return Spread::never;
}

uint32_t needed_to_be_empty(const Expression &e) {
    if (e.kind == Kind::text) return e.text.empty() ? 0 : Spread::never;
    return e.kind == Kind::chars ? Spread::never : needed_to_end(e);
}

// Looks for a circle among the rules that a rule can enter before a byte is taken.
class LeftRecursion {
public:
    LeftRecursion(const GrammarTree &tree, const std::vector<bool> &nullable)
        : tree_(tree),
          nullable_(nullable),
          marks_(tree.rules().size(), Mark::fresh),
          seen_(tree.size()) {}

    void check() {
        for (RuleId rule = 0; rule < marks_.size(); ++rule)
            if (marks_[rule] == Mark::fresh) from(rule);
    }

private:
    enum class Mark : uint8_t { fresh, open, closed };
    struct Level {
        RuleId rule;
        std::vector<RuleId> entered;
        size_t next = 0;
    };

    void from(RuleId start) {
        std::vector<Level> path;
        open(path, start);
        while (!path.empty()) {
            Level &level = path.back();
            if (level.next == level.entered.size()) {
                marks_[level.rule] = Mark::closed;
                path.pop_back();
                continue;
            }
            const RuleId rule = level.entered[level.next++];
            if (marks_[rule] == Mark::open)
                fail(QUANT_ERR_ARGUMENT, "grammar: rule '{}' is left-recursive: it can begin with itself",
                     printable(tree_.rules()[rule].name));
            if (marks_[rule] == Mark::fresh) open(path, rule);
        }
    }

    void open(std::vector<Level> &path, RuleId rule) {
        marks_[rule] = Mark::open;
        path.push_back({rule, entered_first(tree_.rules()[rule].body)});
    }

    std::vector<RuleId> entered_first(ExpressionId body) {
        std::vector<RuleId> out;
        std::vector<ExpressionId> todo{body}, visited;
        while (!todo.empty()) {
            const ExpressionId id = todo.back();
            todo.pop_back();
            if (seen_[id]) continue;
            seen_[id] = true;
            visited.push_back(id);
            const Expression &e = tree_.at(id);
            if (e.kind == Kind::rule) out.push_back(e.rule);
            for (const ExpressionId part : e.parts) {
                todo.push_back(part);
                if (e.kind == Kind::sequence && !nullable_[part]) break;
            }
        }
        for (const ExpressionId id : visited) seen_[id] = false;
        return out;
    }

    const GrammarTree &tree_;
    const std::vector<bool> &nullable_;
    std::vector<Mark> marks_;
    std::vector<bool> seen_;
};

} // namespace

GrammarFacts check_grammar(const GrammarTree &tree) {
    for (const Rule &rule : tree.rules())
        if (rule.body == Rule::undefined)
            fail(QUANT_ERR_ARGUMENT, "grammar: rule '{}' is used but not defined", printable(rule.name));
    const Spread spread(tree);
    GrammarFacts facts{spread.solve(needed_to_end), spread.solve(needed_to_be_empty)};
    LeftRecursion(tree, facts.nullable).check();
    const Rule &root = tree.rules()[tree.root()];
    if (!facts.finite[root.body]) fail(QUANT_ERR_ARGUMENT, "grammar: no text matches rule '{}'", printable(root.name));
    return facts;
}

} // namespace quant::grammar
