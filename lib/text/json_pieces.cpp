#include "text/json_pieces.h"

#include "base/error.h"
#include "text/code_point_text.h"
#include "text/gbnf_parser.h"
#include "text/grammar.h"

#include <algorithm>
#include <map>

namespace quant::grammar {

namespace {

// Escapes of halves of a surrogate pair only stand together. Dates and times are those of
// RFC 3339 without leap seconds. Of e-mail addresses, URIs and IPv6 addresses this is the
// plain form that every checker takes.
constexpr std::string_view rules = R"~(
json-value ::= json-object | json-array | json-string | json-number | "true" | "false" | "null"
json-object ::= "{" json-space (json-member ("," json-space json-member)* json-space)? "}"
json-member ::= json-string ":" json-space json-value
json-array ::= "[" json-space (json-value ("," json-space json-value)* json-space)? "]"
json-string ::= "\"" json-char* "\""
json-char ::= [^"\\\x00-\x1f] | "\\" (["\\/bfnrt] | "u" json-escape)
json-escape ::= [0-9A-CE-Fa-ce-f] hex{3} | [Dd] ([0-7] hex{2} | [89ABab] hex{2} "\\u" [Dd] [C-Fc-f] hex{2})
json-plain ::= [^"\\\x00-\x1f]
json-number ::= "-"? ("0" | [1-9] [0-9]{0,17}) fraction? ([eE] [-+]? [0-9]{1,2})?
json-integer ::= "0" | "-"? [1-9] [0-9]{0,17}
fraction ::= "." [0-9]{1,18}
zero-fraction ::= "." "0"{1,18}
positive-fraction ::= "." "0"{0,17} [1-9] [0-9]{0,17}
hex ::= [0-9A-Fa-f]

date ::= [0-9]{4} "-" (long-month "-" (day | "3" [01]) | short-month "-" (day | "30") | "02-" february-day) | leap-year "-02-29"
long-month ::= "0" [13578] | "1" [02]
short-month ::= "0" [469] | "11"
day ::= "0" [1-9] | [12] [0-9]
february-day ::= "0" [1-9] | "1" [0-9] | "2" [0-8]
leap-year ::= [0-9]{2} ("0" [48] | [2468] [048] | [13579] [26]) | ("0" [048] | [2468] [048] | [13579] [26]) "00"
time ::= hours-minutes ":" [0-5] [0-9] ("." [0-9]{1,9})? ("Z" | [-+] hours-minutes)
hours-minutes ::= ([01] [0-9] | "2" [0-3]) ":" [0-5] [0-9]
date-time ::= date "T" time
uuid ::= hex{8} "-" hex{4} "-" hex{4} "-" hex{4} "-" hex{12}
email ::= atom ("." atom){0,4} "@" label ("." label){1,4}
atom ::= [A-Za-z0-9_+-]{1,32}
hostname ::= label ("." label){0,4}
label ::= [A-Za-z0-9] ([A-Za-z0-9-]{0,40} [A-Za-z0-9])?
ipv4 ::= octet ("." octet){3}
octet ::= "25" [0-5] | "2" [0-4] [0-9] | "1" [0-9] [0-9] | [1-9]? [0-9]
ipv6 ::= hex{1,4} (":" hex{1,4}){7}
uri ::= [A-Za-z] [A-Za-z0-9+.-]{0,30} "://" hostname (":" [1-9] [0-9]{0,3})? ("/" uri-part)? ("?" uri-part)? ("#" uri-part)?
uri-part ::= uri-char{0,200}
uri-char ::= [A-Za-z0-9._~!$&'()*+,;=:@/-] | "%" hex hex
)~";

// Where a writer may put it, and in a call, which models write on one line.
constexpr std::string_view open_space = "json-space ::= (\" \" | \"\\n\" [ \\t]{0,40})?",
                           line_space = "json-space ::= \" \"?";

constexpr CodePointRange control{0, 0x1F};

std::string escape_of(uint32_t c) {
    switch (c) {
    case '"':
        return "\\\"";
    case '\\':
        return "\\\\";
    case '\b':
        return "\\b";
    case '\f':
        return "\\f";
    case '\n':
        return "\\n";
    case '\r':
        return "\\r";
    case '\t':
        return "\\t";
    default:
        return fmt::format("\\u{:04x}", c);
    }
}

} // namespace

JsonPieces::JsonPieces(GrammarTree &tree) : tree_(tree) {
    if (!tree.defined(tree.named("json-value"))) add_json_rules(tree, false); // Several schemas may share a tree.
}

void add_json_rules(GrammarTree &tree, bool one_line) {
    read_gbnf(one_line ? line_space : open_space, tree);
    read_gbnf(rules, tree);
}

ExpressionId JsonPieces::quoted(ExpressionId content) {
    return tree_.sequence({tree_.text("\""), content, tree_.text("\"")});
}

ExpressionId JsonPieces::string_char(const CodePointSet &set) {
    const CodePointSet escaped({control, {'"', '"'}, {'\\', '\\'}});
    std::vector<ExpressionId> out{tree_.chars(set.without(escaped))};
    for (const CodePointRange &range : escaped.ranges())
        for (uint32_t c = range.first; c <= range.last; ++c)
            if (set.has(c)) out.push_back(tree_.text(escape_of(c)));
    return tree_.choice(std::move(out));
}

std::string scalar_text(const json::value &value) {
    if (value.is_double()) return fmt::format("{}", value.get_double());
    if (!value.is_string()) return json::serialize(value);
    std::string out = "\"";
    for (const char c : value.get_string()) {
        const auto byte = static_cast<uint8_t>(c);
        if (byte <= control.last || c == '"' || c == '\\')
            out += escape_of(byte);
        else
            out += c;
    }
    return out + '"';
}

ExpressionId JsonPieces::constant(const json::value &value) {
    if (!value.is_object() && !value.is_array()) return tree_.text(scalar_text(value));
    const bool is_object = value.is_object();
    std::vector<ExpressionId> out{tree_.text(is_object ? "{" : "["), space()};
    const auto next = [&] {
        if (out.size() > 2) out.push_back(tree_.text(",")), out.push_back(space());
    };
    if (is_object) {
        for (const auto &[name, member] : value.get_object()) {
            next();
            out.push_back(tree_.text(scalar_text(json::value(name)) + ":"));
            out.push_back(space());
            out.push_back(constant(member));
        }
    } else {
        for (const json::value &element : value.get_array()) next(), out.push_back(constant(element));
    }
    if (out.size() > 2) out.push_back(space());
    out.push_back(tree_.text(is_object ? "}" : "]"));
    return tree_.sequence(std::move(out));
}

ExpressionId JsonPieces::one_of(const std::vector<const json::value *> &values) {
    std::vector<ExpressionId> out;
    std::vector<std::string> words;
    for (const json::value *value : values)
        if (value->is_object() || value->is_array())
            out.push_back(constant(*value));
        else
            words.push_back(scalar_text(*value));
    std::sort(words.begin(), words.end());
    words.erase(std::unique(words.begin(), words.end()), words.end());
    if (!words.empty()) out.push_back(word_tree(words.begin(), words.end(), 0, 0));
    return tree_.choice(std::move(out));
}

// What the words have in common is one stack of a matcher, not one for each word. Branches
// are rules, so that a long chain of them is no deep expression.
ExpressionId JsonPieces::word_tree(std::vector<std::string>::const_iterator begin,
                                   std::vector<std::string>::const_iterator end, size_t from, unsigned depth) {
    const std::string &first = *begin, &last = *(end - 1);
    if (end - begin == 1) return tree_.text(std::string_view(first).substr(from));
    size_t shared = from;
    while (shared < first.size() && shared < last.size() && first[shared] == last[shared]) ++shared;
    std::vector<ExpressionId> out;
    if (shared == first.size()) out.push_back(tree_.empty()), ++begin;
    while (begin != end) {
        const char branch = (*begin)[shared];
        const auto branch_end =
            depth == GrammarLimits::nesting
                ? begin + 1
                : std::find_if(begin, end, [&](const std::string &w) { return w[shared] != branch; });
        out.push_back(word_tree(begin, branch_end, shared, depth + 1));
        begin = branch_end;
    }
    const std::string common = first.substr(from, shared - from);
    return tree_.sequence({tree_.text(common), tree_.shared("enum", tree_.choice(std::move(out)))});
}

// A trie of the names, each node of which takes what leaves the trie there. Escapes are
// not used in such names, so that no other spelling of a name can stand for it.
ExpressionId JsonPieces::other_name(const std::vector<std::string> &names) {
    struct Node {
        std::map<uint32_t, size_t> next;
        bool ends = false;
    };
    std::vector<Node> nodes(1);
    for (const std::string &name : names) {
        size_t at = 0;
        for (size_t begin = 0; begin < name.size();) {
            const uint32_t c = take_code_point(name, begin);
            const auto [next, added] = nodes[at].next.try_emplace(c, nodes.size());
            at = next->second;
            if (added) nodes.emplace_back();
        }
        nodes[at].ends = true;
    }
    const CodePointSet plain = CodePointSet({control, {'"', '"'}, {'\\', '\\'}}).complement();
    const ExpressionId rest = tree_.repeat(named("json-plain"), 0, GrammarTree::unbounded);
    std::vector<ExpressionId> rules_of(nodes.size());
    for (size_t at = nodes.size(); at-- > 0;) {
        std::vector<ExpressionId> out;
        std::vector<CodePointRange> taken;
        for (const auto &[c, next] : nodes[at].next) {
            taken.push_back({c, c});
            const CodePointSet one = CodePointSet({{c, c}}).without(plain.complement());
            out.push_back(tree_.sequence({tree_.chars(one), rules_of[next]}));
        }
        out.push_back(tree_.sequence({tree_.chars(plain.without(CodePointSet(std::move(taken)))), rest}));
        if (!nodes[at].ends) out.push_back(tree_.empty());
        rules_of[at] = tree_.shared("other name", tree_.choice(std::move(out)));
    }
    return quoted(rules_of[0]);
}

} // namespace quant::grammar
