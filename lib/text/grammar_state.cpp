#include "base/error.h"
#include "text/grammar.h"
#include "text/grammar_stacks.h"

namespace quant {

GrammarState::GrammarState(GrammarPtr grammar)
    : grammar_(std::move(grammar)),
      stacks_(grammar::first_stacks(grammar_->program())) {
    if (!stacks_) fail(QUANT_ERR_LIMIT, "grammar: too deep or too ambiguous at its beginning");
}

bool GrammarState::advance(std::string_view bytes) {
    grammar::StackSetPtr stacks = stacks_;
    uint64_t steps = 0;
    for (const char c : bytes) {
        stacks = grammar::next_stacks(grammar_->program(), *stacks, static_cast<uint8_t>(c), steps);
        if (!stacks) return false;
    }
    stacks_ = std::move(stacks);
    return true;
}

bool GrammarState::accepts(std::string_view bytes) const { return GrammarState(*this).advance(bytes); }
bool GrammarState::may_end() const { return stacks_->may_end; }
bool GrammarState::must_end() const { return stacks_->may_end && stacks_->heads.empty(); }

} // namespace quant
