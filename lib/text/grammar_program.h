// A compiled grammar: instructions for a machine that is in many places at once, as
// regular expressions have it, with calls so that it can nest. A call in the last place
// of a rule is a jump, so that right recursion takes no stack.
#pragma once

#include "text/byte_automaton.h"

#include <array>
#include <cstdint>
#include <vector>

namespace quant::grammar {

enum class Operation : uint8_t {
    byte,  ///< Takes the byte `first`.
    chars, ///< Takes a character, from node `first` of the automaton.
    split, ///< Goes on at `first` and at `second`.
    jump,  ///< Goes on at `first`.
    call,  ///< Goes on at `first`; what returns from there goes on at `second`.
    leave, ///< Returns, or ends the text.
};

struct Instruction {
    Operation operation = Operation::leave;
    uint32_t first = 0, second = 0;
};

struct Program {
    std::vector<Instruction> code; ///< Begins at 0.
    ByteAutomaton automaton;
    /// Bytes that no part of the grammar tells apart have the same class.
    std::array<uint8_t, 256> byte_class{};
    uint32_t byte_classes = 0;
};

} // namespace quant::grammar
