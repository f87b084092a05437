// The automaton of Aho and Corasick: a state is the longest end of the text that begins a mark; each is a rule. Calls
// in the last place of a rule take no stack, so the text may be as long as it likes.
#include "text/text_without.h"

#include "text/code_point_text.h"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

namespace quant::grammar {

namespace {

using Word = std::vector<uint32_t>;

Word code_points(std::string_view text) {
    Word out;
    for (size_t at = 0; at < text.size();) out.push_back(take_code_point(text, at));
    return out;
}

bool ends_with(const Word &word, const Word &end) {
    return word.size() >= end.size() &&
           std::equal(end.begin(), end.end(), word.end() - static_cast<ptrdiff_t>(end.size()));
}

/// The longest end of `word` that is a state; nothing where it has a mark at its end.
std::optional<Word> state_of(Word word, const std::set<Word> &states, const std::vector<Word> &marks) {
    for (const Word &mark : marks)
        if (ends_with(word, mark)) return std::nullopt;
    while (!states.contains(word)) word.erase(word.begin());
    return word;
}

} // namespace

ExpressionId text_without(GrammarTree &tree, const std::vector<std::string> &marks, char ignored,
                          const CodePointSet &not_first) {
    std::vector<Word> words;
    std::set<Word> states{{}};
    std::set<uint32_t> alphabet;
    for (const std::string &mark : marks) {
        const Word &word = words.emplace_back(code_points(mark));
        for (size_t n = 1; n < word.size(); ++n) states.emplace(word.begin(), word.begin() + static_cast<ptrdiff_t>(n));
        alphabet.insert(word.begin(), word.end());
    }
    std::vector<CodePointRange> known;
    for (const uint32_t c : alphabet) known.push_back({c, c});
    std::map<Word, RuleId> rules;
    for (const Word &state : states) rules[state] = tree.add_rule("text");

    // What may follow in a state, but for characters of `left_out`.
    const auto follows = [&](const Word &state, const CodePointSet &left_out) {
        std::map<RuleId, CodePointSet> leads{{rules[{}], CodePointSet::all().without(CodePointSet(known))}};
        for (const uint32_t c : alphabet) {
            Word word = state;
            word.push_back(c);
            const auto next = state_of(std::move(word), states, words);
            if (next) leads[rules[*next]] = leads[rules[*next]].with(CodePointSet({{c, c}}));
        }
        std::vector<ExpressionId> out{tree.empty()};
        for (const auto &[next, set] : leads)
            out.push_back(tree.sequence({tree.chars(set.without(left_out)), tree.rule(next)}));
        if (ignored) out.push_back(tree.sequence({tree.text({&ignored, 1}), tree.rule(rules[state])}));
        return out;
    };
    for (const auto &[state, rule] : rules) tree.define(rule, tree.choice(follows(state, {})));
    if (not_first.empty()) return tree.rule(rules[{}]);
    const CodePointSet blanks({{'\t', '\t'}, {'\n', '\n'}, {'\r', '\r'}, {' ', ' '}});
    const RuleId start = tree.add_rule("text");
    std::vector<ExpressionId> out = follows({}, blanks.with(not_first));
    out.push_back(tree.sequence({tree.chars(blanks), tree.rule(start)}));
    tree.define(start, tree.choice(std::move(out)));
    return tree.rule(start);
}

} // namespace quant::grammar
