// The places a text can have led to in a program, as a set of stacks. Stacks share their
// lower parts, and nothing here changes once it is made, so that sets are shared freely
// and a matcher steps from one to the next.
#pragma once

#include "text/grammar_program.h"

#include <cstdint>
#include <memory>
#include <vector>

namespace quant::grammar {

/// A call that waits for its return.
struct Frame {
    uint32_t resume = 0;
    uint32_t depth = 1;
    uint64_t hash = 0; ///< Of this frame and all below.
    std::shared_ptr<const Frame> below;
};
using FramePtr = std::shared_ptr<const Frame>;

/// One stack: the instruction that takes the next byte, and what is below it.
struct Head {
    uint32_t at = 0;
    uint32_t node = 0; ///< Of the automaton, where `at` takes a character.
    FramePtr below;

    bool operator==(const Head &other) const;
};

struct StackSet {
    std::vector<Head> heads; ///< All different, in an order that only depends on the set.
    uint64_t hash = 0;
    bool may_end = false;

    bool operator==(const StackSet &other) const { return may_end == other.may_end && heads == other.heads; }
};
using StackSetPtr = std::shared_ptr<const StackSet>;

/// The places at the beginning. Null when they are more than the limits allow.
StackSetPtr first_stacks(const Program &program);

/// The places after one more byte. Null when there are none, or more than the limits
/// allow. `steps` grows by the work it took.
StackSetPtr next_stacks(const Program &program, const StackSet &from, uint8_t byte, uint64_t &steps);

} // namespace quant::grammar
