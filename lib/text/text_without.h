// Text in which some strings do not occur, as rules of a grammar.
#pragma once

#include "text/grammar_tree.h"

#include <string>
#include <vector>

namespace quant::grammar {

/// Any text, empty too, with none of `marks` in it, which are UTF-8 and not empty. The byte `ignored`, where it is not
/// 0, may stand before any character and changes nothing. `not_first` is what its first character but blanks is not.
/// Throws Error (QUANT_ERR_LIMIT).
ExpressionId text_without(GrammarTree &tree, const std::vector<std::string> &marks, char ignored,
                          const CodePointSet &not_first = {});

} // namespace quant::grammar
