// Pieces of tokens in, whole UTF-8 characters out.
#pragma once

#include "text/tokenizer.h"

#include <string>
#include <string_view>

namespace quant {

/// Holds back a character until all its bytes are there; bytes that can no longer
/// become UTF-8 come out as U+FFFD.
class TextStream {
public:
    /// What can be shown now, after adding `piece`.
    std::string push(std::string_view piece);
    /// What is left at the end.
    std::string finish();

private:
    std::string pending_;
};

/// What a token adds to a text; with `controls` also one that controls, which else adds nothing.
std::string generated_piece(const Tokenizer &tokenizer, int32_t id, bool controls);

} // namespace quant
