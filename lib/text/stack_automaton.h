// The sets of stacks that one generation meets, numbered, with what each byte leads to
// remembered: a deterministic automaton that is made as it is walked. It is thrown away
// and begun again when it is full.
#pragma once

#include "text/grammar.h"
#include "text/grammar_stacks.h"

#include <span>
#include <unordered_map>
#include <vector>

namespace quant::grammar {

class StackAutomaton {
public:
    using State = uint32_t;
    static constexpr State dead = 0; ///< Nothing leads out of it.
    static constexpr size_t capacity = 4096;

    explicit StackAutomaton(GrammarPtr grammar);

    State number(const StackSetPtr &stacks);
    const StackSet &stacks(State state) const { return *states_[state]; }
    /// Where a byte leads, if that is remembered; else `unknown`.
    static constexpr State unknown = UINT32_MAX;
    State known(State from, uint8_t byte) const { return rows_[size_t{from} * classes_ + class_of_[byte]]; }
    /// The same, found out and remembered. `steps` grows by the work.
    State find(State from, uint8_t byte, uint64_t &steps);

    bool full() const { return states_.size() >= capacity; }
    /// Forget all but `keep`, which get new numbers.
    void restart(std::span<State> keep);

private:
    void clear();

    GrammarPtr grammar_;
    std::array<uint8_t, 256> class_of_;
    uint32_t classes_;
    std::vector<StackSetPtr> states_; ///< The dead one is null.
    std::vector<State> rows_;         ///< By state and class of bytes.
    std::unordered_multimap<uint64_t, State> numbers_;
};

} // namespace quant::grammar
