#include "text/stack_automaton.h"

namespace quant::grammar {

StackAutomaton::StackAutomaton(GrammarPtr grammar)
    : grammar_(std::move(grammar)),
      class_of_(grammar_->program().byte_class),
      classes_(grammar_->program().byte_classes) {
    clear();
}

void StackAutomaton::clear() {
    states_.assign(1, nullptr);
    rows_.assign(classes_, dead);
    numbers_.clear();
}

StackAutomaton::State StackAutomaton::number(const StackSetPtr &stacks) {
    const auto [begin, end] = numbers_.equal_range(stacks->hash);
    for (auto at = begin; at != end; ++at)
        if (states_[at->second] == stacks || *states_[at->second] == *stacks) return at->second;
    const auto state = static_cast<State>(states_.size());
    numbers_.emplace(stacks->hash, state);
    states_.push_back(stacks);
    rows_.resize(rows_.size() + classes_, unknown);
    return state;
}

StackAutomaton::State StackAutomaton::find(State from, uint8_t byte, uint64_t &steps) {
    const size_t slot = size_t{from} * classes_ + class_of_[byte];
    if (rows_[slot] != unknown) return rows_[slot];
    const StackSetPtr next = next_stacks(grammar_->program(), *states_[from], byte, steps);
    const State state = next ? number(next) : dead;
    rows_[slot] = state;
    return state;
}

void StackAutomaton::restart(std::span<State> keep) {
    std::vector<StackSetPtr> kept;
    for (const State state : keep) kept.push_back(states_[state]);
    clear();
    for (size_t i = 0; i < keep.size(); ++i) keep[i] = kept[i] ? number(kept[i]) : dead;
}

} // namespace quant::grammar
