// What must be known of a grammar's expressions before it is compiled: which can end at
// all, which can be empty, and that no rule begins with itself. All of it takes time in
// proportion to the grammar, and no stack.
#pragma once

#include "text/grammar_tree.h"

#include <vector>

namespace quant::grammar {

struct GrammarFacts {
    std::vector<bool> finite;   ///< By expression: some text matches it.
    std::vector<bool> nullable; ///< By expression: the empty text matches it.
};

/// Throws Error (QUANT_ERR_ARGUMENT) for a rule without a body, a left-recursive rule, and
/// a root that nothing matches.
GrammarFacts check_grammar(const GrammarTree &tree);

} // namespace quant::grammar
