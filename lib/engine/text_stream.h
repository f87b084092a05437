// Pieces of tokens in, whole UTF-8 characters out.
#pragma once

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

} // namespace quant
