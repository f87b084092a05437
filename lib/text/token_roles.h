// Which tokens end generation, by their names: files say only some of them.
#pragma once

#include "text/tokenizer.h"

#include <optional>
#include <string_view>

namespace quant {

/// The id of a token by its text.
std::optional<int32_t> find_token(const TokenizerSpec &spec, std::string_view text);

/// Add the control tokens with names of ends of turns to `end_of_turn`, sort it, and
/// drop what stands twice or is `eos` itself.
void collect_end_of_turn(TokenizerSpec &spec);

} // namespace quant
