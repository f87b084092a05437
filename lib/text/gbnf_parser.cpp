// GBNF into a tree. A rule ends at the end of its line, unless a group is open there or
// the next line goes on with `|`.
#include "text/gbnf_parser.h"

#include "base/error.h"
#include "base/utf8.h"
#include "text/code_point_text.h"
#include "text/grammar.h"

#include <algorithm>

namespace quant {

namespace {

using grammar::CodePointRange;
using grammar::CodePointSet;
using grammar::ExpressionId;
using grammar::GrammarTree;

bool is_name(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

class GbnfParser {
public:
    GbnfParser(std::string_view source, GrammarTree &tree) : source_(source), tree_(tree) {
        if (source.size() > GrammarLimits::source_bytes)
            fail(QUANT_ERR_LIMIT, "grammar: {} bytes are more than {}", source.size(), GrammarLimits::source_bytes);
        const size_t valid = utf8_valid_prefix(source);
        at_ = valid;
        if (valid < source.size()) wrong("not UTF-8");
        at_ = 0;
    }

    void parse() {
        for (skip_space(true); !at_end(); skip_space(true)) rule();
    }

private:
    bool at_end() const { return at_ == source_.size(); }
    char peek() const { return at_end() ? '\0' : source_[at_]; }
    bool skip(std::string_view what) {
        if (!source_.substr(at_).starts_with(what)) return false;
        at_ += what.size();
        return true;
    }

    [[noreturn]] void wrong(std::string_view what) const {
        const auto line = 1 + std::count(source_.begin(), source_.begin() + static_cast<ptrdiff_t>(at_), '\n');
        fail(QUANT_ERR_ARGUMENT, "grammar, line {}: {}", line, what);
    }
    [[noreturn]] void expected(std::string_view what) const {
        if (at_end()) wrong(fmt::format("expected {}, found the end", what));
        wrong(fmt::format("expected {}, found '{}'", what, printable(source_.substr(at_, 20))));
    }

    void skip_space(bool with_lines) {
        while (!at_end()) {
            const char c = peek();
            if (c == '#')
                at_ = std::min(source_.find('\n', at_), source_.size());
            else if (c == ' ' || c == '\t' || (with_lines && (c == '\n' || c == '\r')))
                ++at_;
            else
                break;
        }
    }

    std::string_view name() {
        const size_t begin = at_;
        while (is_name(peek())) ++at_;
        if (at_ == begin) expected("the name of a rule");
        return source_.substr(begin, at_ - begin);
    }

    void rule() {
        const size_t begin = at_;
        const std::string_view rule_name = name();
        const grammar::RuleId id = tree_.named(rule_name);
        if (tree_.defined(id)) {
            at_ = begin;
            wrong(fmt::format("rule '{}' is defined twice", printable(rule_name)));
        }
        skip_space(false);
        if (!skip("::=")) expected("'::='");
        tree_.define(id, alternatives(0));
        if (!at_end() && peek() != '\n' && peek() != '\r') expected("the end of the rule");
    }

    bool skip_bar(bool in_group) {
        const size_t before = at_;
        skip_space(true);
        if (skip("|")) return true;
        if (!in_group) at_ = before;
        return false;
    }

    ExpressionId alternatives(uint32_t depth) {
        if (depth > GrammarLimits::nesting)
            fail(QUANT_ERR_LIMIT, "grammar: groups are nested deeper than {}", GrammarLimits::nesting);
        std::vector<ExpressionId> out;
        do {
            skip_space(true);
            out.push_back(sequence(depth));
        } while (skip_bar(depth > 0));
        return tree_.choice(std::move(out));
    }

    bool at_next_rule() {
        const size_t before = at_;
        while (is_name(peek())) ++at_;
        skip_space(false);
        const bool out = skip("::=");
        at_ = before;
        return out;
    }

    ExpressionId sequence(uint32_t depth) {
        std::vector<ExpressionId> out;
        for (; !at_end(); skip_space(depth > 0)) {
            const char c = peek();
            if (c == '"')
                out.push_back(literal());
            else if (c == '[')
                out.push_back(character_class());
            else if (c == '.')
                ++at_, out.push_back(tree_.chars(CodePointSet::all()));
            else if (c == '(')
                out.push_back(group(depth));
            else if (is_name(c) && !at_next_rule())
                out.push_back(tree_.rule(tree_.named(name())));
            else if (c == '*' || c == '+' || c == '?' || c == '{')
                repeat(out);
            else
                break;
        }
        return out.empty() ? tree_.empty() : tree_.sequence(std::move(out));
    }

    ExpressionId group(uint32_t depth) {
        ++at_;
        const ExpressionId out = alternatives(depth + 1);
        if (!skip(")")) expected("')'");
        return out;
    }

    void repeat(std::vector<ExpressionId> &out) {
        if (out.empty()) expected("something to repeat");
        uint32_t min = 0, max = GrammarTree::unbounded;
        if (skip("{"))
            bounds(min, max);
        else if (skip("+"))
            min = 1;
        else if (skip("?"))
            max = 1;
        else
            ++at_;
        out.back() = tree_.repeat(out.back(), min, max);
    }

    void bounds(uint32_t &min, uint32_t &max) {
        skip_space(false);
        min = max = count();
        skip_space(false);
        if (skip(",")) {
            skip_space(false);
            max = peek() == '}' ? GrammarTree::unbounded : count();
            skip_space(false);
        }
        if (max < min) wrong("a repetition whose most is less than its least");
        if (!skip("}")) expected("'}'");
    }

    uint32_t count() {
        if (peek() < '0' || peek() > '9') expected("a number");
        uint32_t out = 0;
        for (; peek() >= '0' && peek() <= '9'; ++at_) {
            out = out * 10 + static_cast<uint32_t>(peek() - '0');
            if (out > GrammarLimits::repetitions)
                fail(QUANT_ERR_LIMIT, "grammar: more than {} repetitions", GrammarLimits::repetitions);
        }
        return out;
    }

    ExpressionId literal() {
        ++at_;
        std::string out;
        while (!skip("\"")) {
            if (at_end() || peek() == '\n') expected("'\"'");
            utf8_append(out, character());
        }
        return tree_.text(out);
    }

    ExpressionId character_class() {
        ++at_;
        const bool negated = skip("^");
        std::vector<CodePointRange> ranges;
        while (!skip("]")) {
            if (at_end() || peek() == '\n') expected("']'");
            const uint32_t first = character();
            uint32_t last = first;
            if (peek() == '-' && !source_.substr(at_).starts_with("-]")) {
                ++at_;
                if (at_end() || peek() == '\n') expected("the end of a range");
                last = character();
            }
            if (last < first) wrong("a range whose end comes before its beginning");
            ranges.push_back({first, last});
        }
        if (ranges.empty()) wrong("an empty character class");
        const CodePointSet set(std::move(ranges));
        return tree_.chars(negated ? set.complement() : set);
    }

    /// One character of a literal or a class. There is one.
    uint32_t character() {
        if (skip("\\")) return escape();
        return grammar::take_code_point(source_, at_);
    }

    uint32_t escape() {
        const char c = peek();
        if (!at_end()) ++at_;
        switch (c) {
        case 'n':
            return '\n';
        case 'r':
            return '\r';
        case 't':
            return '\t';
        case '\\':
        case '"':
        case '[':
        case ']':
        case '-':
        case '^':
            return static_cast<uint8_t>(c);
        case 'x':
            return hexadecimal(2);
        case 'u':
            return hexadecimal(4);
        case 'U':
            return hexadecimal(8);
        default:
            wrong("an unknown escape after '\\'");
        }
    }

    uint32_t hexadecimal(unsigned digits) {
        const auto out = grammar::take_hexadecimal(source_, at_, digits);
        if (!out) expected(fmt::format("{} hexadecimal digits", digits));
        if (*out > grammar::last_code_point || (*out >= 0xD800 && *out <= 0xDFFF))
            wrong("an escape that is no character");
        return *out;
    }

    std::string_view source_;
    GrammarTree &tree_;
    size_t at_ = 0;
};

} // namespace

void read_gbnf(std::string_view source, grammar::GrammarTree &tree) { GbnfParser(source, tree).parse(); }

GrammarPtr parse_gbnf(std::string_view source) {
    GrammarTree tree;
    read_gbnf(source, tree);
    const grammar::RuleId root = tree.named("root");
    if (!tree.defined(root)) fail(QUANT_ERR_ARGUMENT, "grammar: there is no rule 'root'");
    tree.set_root(root);
    return Grammar::compile(tree);
}

} // namespace quant
