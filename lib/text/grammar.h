// Grammars that generated text must keep to. A Grammar is a compiled context-free
// grammar over Unicode, run on bytes of UTF-8, so that a character may be split over
// tokens. A GrammarState is a place in it: the set of all stacks that the text so far
// can have led to. Every stack of a state can be finished, because what can never end is
// cut when the grammar is compiled; only at the limits below may a text have to stop.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

namespace quant {

namespace grammar {
struct Program;
struct StackSet;
class GrammarTree;
} // namespace grammar

/// What a grammar or schema may ask for at most. More is QUANT_ERR_LIMIT when it is compiled.
struct GrammarLimits {
    static constexpr size_t source_bytes = size_t{1} << 20;
    static constexpr uint32_t nesting = 256; ///< Of groups, and of schemas in schemas.
    static constexpr uint32_t rules = 65'536;
    static constexpr uint32_t repetitions = 65'536;   ///< The n and m of {n,m}; maxLength, minItems ...
    static constexpr uint32_t elements = 262'144;     ///< Expressions of the source.
    static constexpr uint32_t instructions = 1 << 20; ///< After repetitions are written out.
    static constexpr uint32_t byte_edges = 1 << 20;   ///< Of all character classes, as UTF-8.

    // While matching: what would exceed these is refused, as if the grammar forbade it.
    static constexpr uint32_t stack_depth = 1024; ///< Rules that are open inside each other.
    static constexpr uint32_t stacks = 16'384;    ///< Live at the same time.
    static constexpr uint32_t steps = 131'072;    ///< Of work for one byte.
};

/// Immutable; any thread may use it at the same time.
class Grammar {
public:
    /// Throws Error: QUANT_ERR_ARGUMENT where a rule is missing, is left-recursive, or where
    /// no text matches; QUANT_ERR_LIMIT.
    static std::shared_ptr<const Grammar> compile(const grammar::GrammarTree &tree);
    explicit Grammar(std::unique_ptr<const grammar::Program> program);
    ~Grammar();

    const grammar::Program &program() const { return *program_; }

private:
    std::unique_ptr<const grammar::Program> program_;
};

using GrammarPtr = std::shared_ptr<const Grammar>;

/// GBNF: rules `name ::= ...` with "literals", [classes], [^classes], `.`, (groups),
/// alternatives `|`, `* + ? {n} {n,} {n,m}` and # comments; matching begins at `root`.
/// Escapes are \n \r \t \\ \" \[ \] \- \^ \xHH \uHHHH \UHHHHHHHH, all of them code points.
/// Throws Error that names the line: QUANT_ERR_ARGUMENT, QUANT_ERR_LIMIT.
GrammarPtr parse_gbnf(std::string_view source);

/// A value, cheap to copy: copies share everything. Different ones may be used on different
/// threads at the same time, also when they are copies of each other.
class GrammarState {
public:
    /// At the beginning. Throws Error (QUANT_ERR_LIMIT) when the grammar is too ambiguous to begin.
    explicit GrammarState(GrammarPtr grammar);

    /// Go on by `bytes`, which may end inside a character. False if no text of the grammar
    /// goes on so: the state is then as it was.
    bool advance(std::string_view bytes);
    /// Whether advance() would succeed.
    bool accepts(std::string_view bytes) const;
    /// Whether the text so far is complete.
    bool may_end() const;
    /// Whether it is, and nothing can follow.
    bool must_end() const;

    const GrammarPtr &grammar() const { return grammar_; }
    const std::shared_ptr<const grammar::StackSet> &stacks() const { return stacks_; }

private:
    GrammarPtr grammar_;
    std::shared_ptr<const grammar::StackSet> stacks_;
};

} // namespace quant
