// What grammars of JSON are put together from: values, strings and their characters,
// numbers between bounds, constants. White space is where a writer might put it, but
// little of it, and numbers have a bounded number of digits, so that a model which likes
// them cannot go on for ever.
#pragma once

#include "base/json.h"
#include "text/grammar_tree.h"

#include <optional>
#include <string>
#include <vector>

namespace quant::grammar {

/// Bounds of a number. Those left out are open.
struct NumberBounds {
    std::optional<int64_t> least, most;
    bool above = false, below = false; ///< `least`, `most` are not in.
};

class JsonPieces {
public:
    /// Of integers without bounds, and before the point; after the point one more may be.
    static constexpr int64_t largest_open_integer = 999'999'999'999'999'999;

    /// Adds the rules that it refers to.
    explicit JsonPieces(GrammarTree &tree);

    ExpressionId any() { return named("json-value"); }
    ExpressionId space() { return named("json-space"); }
    /// One of the rules of json_pieces.cpp.
    ExpressionId named(std::string_view rule) { return tree_.rule(tree_.named(rule)); }

    /// `content` between quotation marks.
    ExpressionId quoted(ExpressionId content);
    /// One character of `set` in a string, escaped where it must be.
    ExpressionId string_char(const CodePointSet &set);
    /// What a constant's text is, with white space where it has parts.
    ExpressionId constant(const json::value &value);
    /// One of the constants. Throws Error (QUANT_ERR_LIMIT).
    ExpressionId one_of(const std::vector<const json::value *> &values);
    /// A string that is none of `names`, as a member's name.
    ExpressionId other_name(const std::vector<std::string> &names);

    // Numbers (json_number.cpp).
    ExpressionId integer(const NumberBounds &bounds);
    ExpressionId number(const NumberBounds &bounds);

private:
    ExpressionId word_tree(std::vector<std::string>::const_iterator begin, std::vector<std::string>::const_iterator end,
                           size_t from, unsigned depth);
    ExpressionId digits(char first, char last) {
        return tree_.chars(CodePointSet({{static_cast<uint8_t>(first), static_cast<uint8_t>(last)}}));
    }
    ExpressionId same_length(std::string_view least, std::string_view most);
    ExpressionId magnitude(uint64_t least, uint64_t most);
    ExpressionId decimal(uint64_t least, bool above, uint64_t most, bool below);

    GrammarTree &tree_;
};

/// The rules that JsonPieces refers to, for a tree that has none. `one_line`: white space is a blank at most.
/// They are added once; whoever wants them so adds them first.
void add_json_rules(GrammarTree &tree, bool one_line);

/// A JSON string's text, or another scalar's.
std::string scalar_text(const json::value &value);

} // namespace quant::grammar
