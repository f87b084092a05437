// Parts of grammars of calls: marks as the tokens of a vocabulary, and arguments between marks.
#pragma once

#include "base/json.h"
#include "text/call_grammar.h"
#include "text/grammar_tree.h"

namespace quant::grammar {

/// Literal text of a CallShape as an expression: control tokens behind control_lead, ids and numbers as what they are.
class MarkWriter {
public:
    MarkWriter(GrammarTree &tree, const MarkTokens &tokens) : tree_(tree), tokens_(tokens) {}

    struct Written {
        ExpressionId expression;
        bool ends; ///< A token that ends replies stands in the text; the expression goes up to it.
    };
    Written write(std::string_view text) const;

private:
    GrammarTree &tree_;
    const MarkTokens &tokens_;
};

/// What follows a tagged call's name: from CallShape::middle up to its `end`. `parameters`: their schema; nullptr: any
/// arguments. Throws Error (QUANT_ERR_UNSUPPORTED) that names what text without quotes cannot be held to.
ExpressionId tagged_arguments(GrammarTree &tree, const CallShape &shape, const MarkWriter &marks,
                              const std::string &tool, const json::value *parameters);

} // namespace quant::grammar
