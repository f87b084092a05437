// A schema's `pattern`: the part of ECMAScript's regular expressions that describes sets
// of strings without looking around, as an expression over a JSON string's characters.
#pragma once

#include "text/json_pieces.h"

#include <optional>
#include <string_view>

namespace quant::grammar {

struct JsonPattern {
    ExpressionId expression = 0;
    /// Where the whole pattern is one set of characters, repeated: that set, and how often.
    /// Lengths can then be limited further.
    std::optional<ExpressionId> repeated;
    /// Characters of what it matches, at least and at most.
    uint64_t shortest = 0, longest = 0;
};

/// `pointer` is what messages call the pattern. Throws Error: QUANT_ERR_ARGUMENT for what
/// is no regular expression, QUANT_ERR_UNSUPPORTED for look-around, back-references, word
/// boundaries, properties and anchors inside; QUANT_ERR_LIMIT.
JsonPattern json_pattern(std::string_view pattern, std::string_view pointer, JsonPieces &pieces, GrammarTree &tree);

} // namespace quant::grammar
