// GBNF into a tree whose other rules may come from elsewhere.
#pragma once

#include "text/grammar_tree.h"

#include <string_view>

namespace quant {

/// Add the rules of `source`. Throws as parse_gbnf() does, but wants no `root`.
void read_gbnf(std::string_view source, grammar::GrammarTree &tree);

} // namespace quant
