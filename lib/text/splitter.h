// One step of a pre-tokenizer: finds the stretches of a text that a pattern matches.
// The patterns that models use are hand-coded over character classes, linear by
// construction; any other goes to PCRE2 under limits.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

namespace quant {

struct Span {
    size_t begin, end;
};

/// CPU time that patterns from files may still take for one text.
struct SplitBudget {
    explicit SplitBudget(size_t text_bytes) : seconds(5 + 10 * static_cast<double>(text_bytes) / (1 << 20)) {}
    double seconds;
};

/// Immutable; any thread may use it at the same time.
class Splitter {
public:
    virtual ~Splitter() = default;
    /// The first match at or after `from`; never empty.
    virtual std::optional<Span> next(std::string_view text, size_t from, SplitBudget &budget) const = 0;
};

/// The hand-coded rule that means the same as the word regex `pattern` (GPT-2's,
/// Llama 3's ...); nullptr where there is none.
std::unique_ptr<Splitter> make_word_splitter(std::string_view pattern);
/// The same by the rule's name ("gpt-2", "llama3", "qwen2" ...).
std::unique_ptr<Splitter> make_named_word_splitter(std::string_view name);

/// A rule for patterns of the shape `lead? set repetition`, such as `\p{N}{1,3}`,
/// `\s?[A-Za-z]+` or `[0-9][0-9][0-9]`; nullptr for another shape.
std::unique_ptr<Splitter> make_run_splitter(std::string_view pattern);

/// PCRE2 under match, heap and time limits. `name` leads messages. Throws Error
/// (QUANT_ERR_TOKENIZER) for a pattern that does not compile; a match may throw
/// Error (QUANT_ERR_LIMIT).
std::unique_ptr<Splitter> make_regex_splitter(const std::string &pattern, const std::string &name);

/// Matches of a fixed string.
std::unique_ptr<Splitter> make_literal_splitter(std::string literal);

/// The best of the above for a regex.
std::unique_ptr<Splitter> make_splitter(const std::string &pattern, const std::string &name);

/// Two patterns with the same key split alike: of a word regex its rule's name with an
/// @ before it, of a run what it parses to, else the pattern itself.
std::string splitter_key(std::string_view pattern);
std::string word_splitter_key(std::string_view pattern); ///< "" when it is none.
/// The regex of the rule of this name ("gpt-2", "llama3" ...), which must be one.
std::string_view pattern_of_word_splitter(std::string_view name);

} // namespace quant
