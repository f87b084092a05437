// Where a bracketed value ends, in text that arrives in pieces: each byte is looked at once,
// however it is cut. Only nesting and strings are followed; whether the value is well formed
// is for the parser of the whole to say, but text that cannot be one is refused at once, so
// that it is not held back to the end of a reply.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace quant {

/// What Gemma 4 puts around strings.
inline constexpr std::string_view gemma_quote = "<|\"|>";

class BracketScanner {
public:
    enum class Rules : uint8_t {
        json,  ///< {} and [], double quotes, and what numbers and words are spelt with.
        loose, ///< Also (), single quotes and gemma_quote, and names before the first bracket.
    };
    enum class State : uint8_t { open, ended, broken };

    static constexpr size_t max_depth = 64;

    explicit BracketScanner(Rules rules) : rules_(rules) {}

    /// Read on from `at`, and leave it after what was read: after the value's last bracket
    /// when it ended, at the byte that does not fit when it broke.
    State scan(std::string_view text, size_t &at) noexcept;

private:
    State step(std::string_view text, size_t &at) noexcept;
    State step_in_string(std::string_view text, size_t &at) noexcept;
    bool is_word(char c) const noexcept;

    Rules rules_;
    char quote_ = 0; ///< The open string's; 'g' for gemma_quote.
    bool escaped_ = false;
    size_t depth_ = 0;
    std::array<char, max_depth> closers_{};
};

} // namespace quant
