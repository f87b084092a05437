#include "text/token_masks.h"

#include "base/error.h"

namespace quant {

TokenMasks::TokenMasks(GrammarPtr grammar, GrammarVocabularyPtr vocabulary)
    : grammar_(std::move(grammar)),
      vocabulary_(std::move(vocabulary)),
      automaton_(grammar_),
      path_(vocabulary_->longest() + 1) {}

std::span<const uint64_t> TokenMasks::allowed(const GrammarState &state) {
    if (state.grammar() != grammar_) fail(QUANT_ERR_INTERNAL, "grammar: masks of one grammar, a state of another");
    const grammar::StackSetPtr &stacks = state.stacks();
    for (const Kept &kept : kept_)
        if (kept.stacks == stacks || (kept.stacks->hash == stacks->hash && *kept.stacks == *stacks)) return kept.bits;
    if (automaton_.full()) automaton_.restart({});
    Kept kept;
    if (kept_.size() == kept_masks) {
        kept = std::move(kept_.front());
        kept_.pop_front();
    }
    kept.stacks = stacks;
    kept.bits.assign(vocabulary_->size() / 64 + 1, 0);
    walk(automaton_.number(stacks), kept.bits);
    kept_.push_back(std::move(kept));
    return kept_.back().bits;
}

// What the automaton does not know yet. It may be full, when only the path is kept.
TokenMasks::State TokenMasks::step(size_t depth, uint8_t byte, uint64_t &steps) {
    if (automaton_.full()) automaton_.restart(std::span(path_).first(depth + 1));
    const State out = automaton_.find(path_[depth], byte, steps);
    if (steps > max_steps) fail(QUANT_ERR_LIMIT, "grammar: too ambiguous, {} steps for one token", steps);
    return out;
}

void TokenMasks::walk(State start, std::vector<uint64_t> &bits) {
    using grammar::StackAutomaton;
    const std::span<const GrammarVocabulary::Node> nodes = vocabulary_->nodes();
    uint64_t steps = 0;
    path_[0] = start;
    for (size_t at = 0; at < nodes.size();) {
        const GrammarVocabulary::Node &node = nodes[at];
        State next = automaton_.known(path_[node.depth], node.byte);
        if (next == StackAutomaton::unknown) next = step(node.depth, node.byte, steps);
        if (next == StackAutomaton::dead) {
            at = node.end;
            continue;
        }
        path_[node.depth + size_t{1}] = next;
        bits[node.token / 64] |= uint64_t{1} << (node.token % 64);
        ++at;
    }
    // Nodes where no token ends have marked the bit behind the last one.
    bits[vocabulary_->size() / 64] &= ~(uint64_t{1} << (vocabulary_->size() % 64));
    for (const auto &[twin, token] : vocabulary_->twins())
        if (bits[token / 64] >> (token % 64) & 1) bits[twin / 64] |= uint64_t{1} << (twin % 64);
}

} // namespace quant
