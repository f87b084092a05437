// Which tokens a grammar allows next, as a set of bits. The answers of one generation are
// kept, a bounded number of them, because generation meets the same few states again and
// again: the inside of a string, the place after a comma.
#pragma once

#include "text/grammar.h"
#include "text/grammar_vocabulary.h"
#include "text/stack_automaton.h"

#include <deque>

namespace quant {

/// One generation's, or several's of one grammar after each other. One thread at a time.
class TokenMasks {
public:
    static constexpr size_t kept_masks = 64;
    /// Work for one mask; that of a schema takes some thousands.
    static constexpr uint64_t max_steps = 5'000'000;

    TokenMasks(GrammarPtr grammar, GrammarVocabularyPtr vocabulary);

    /// Bit id % 64 of word id / 64 says whether the state accepts token id. None is set
    /// where only the end can follow, or where the vocabulary lacks the bytes, or a limit
    /// of GrammarLimits is reached: then state.may_end() is false. Borrowed until the next
    /// call. `state` must be of the same grammar. Throws Error (QUANT_ERR_LIMIT) when the
    /// grammar is too ambiguous.
    std::span<const uint64_t> allowed(const GrammarState &state);

    const GrammarVocabulary &vocabulary() const { return *vocabulary_; }

private:
    using State = grammar::StackAutomaton::State;
    struct Kept {
        grammar::StackSetPtr stacks;
        std::vector<uint64_t> bits;
    };

    void walk(State start, std::vector<uint64_t> &bits);
    State step(size_t depth, uint8_t byte, uint64_t &steps);

    GrammarPtr grammar_;
    GrammarVocabularyPtr vocabulary_;
    grammar::StackAutomaton automaton_;
    std::vector<State> path_; ///< Before each byte of the token that the walk is at.
    std::deque<Kept> kept_;   ///< The newest last.
};

} // namespace quant
