#include "text/grammar_stacks.h"

#include "text/grammar.h"

#include <algorithm>
#include <bit>
#include <tuple>

namespace quant::grammar {

namespace {

uint64_t mixed(uint64_t a, uint64_t b) {
    uint64_t x = (a ^ std::rotl(b, 32)) * 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 29)) * 0xBF58476D1CE4E5B9u;
    return x ^ (x >> 32);
}

uint64_t hash_of(const FramePtr &frame) { return frame ? frame->hash : 0; }
uint64_t hash_of(const Head &head) { return mixed(mixed(head.at, head.node), hash_of(head.below)); }

bool same(const FramePtr &left, const FramePtr &right) {
    const Frame *a = left.get(), *b = right.get();
    while (a != b) {
        if (!a || !b || a->hash != b->hash || a->resume != b->resume) return false;
        a = a->below.get(), b = b->below.get();
    }
    return true;
}

// Follows what takes no byte until only takers are left. Every place is entered once, so
// loops that take nothing end. What rules begin with has no circles, so calls do too.
class Closure {
public:
    explicit Closure(const Program &program) : program_(program), slots_(64) {}

    void add(uint32_t at, uint32_t node, FramePtr below) {
        Head head{at, node, std::move(below)};
        const uint64_t hash = hash_of(head);
        size_t slot = hash & (slots_.size() - 1);
        for (; slots_[slot] != 0; slot = (slot + 1) & (slots_.size() - 1)) {
            const Place &place = places_[slots_[slot] - 1];
            if (place.hash == hash && place.head == head) return;
        }
        places_.push_back({std::move(head), hash});
        slots_[slot] = static_cast<uint32_t>(places_.size());
        if (places_.size() * 2 > slots_.size()) grow();
    }

    void enter(uint32_t at, FramePtr below) {
        const Instruction &i = program_.code[at];
        add(at, i.operation == Operation::chars ? i.first : 0, std::move(below));
    }

    StackSetPtr finish(uint64_t &steps) {
        auto out = std::make_shared<StackSet>();
        for (; next_ < places_.size(); ++next_)
            if (next_ >= GrammarLimits::steps || !follow(*out)) break;
        steps += next_ + 1;
        if (next_ < places_.size() || (takers_.empty() && !out->may_end)) return nullptr;
        std::sort(takers_.begin(), takers_.end(), [&](uint32_t a, uint32_t b) {
            const Place &x = places_[a], &y = places_[b];
            return std::tie(x.head.at, x.head.node, x.hash) < std::tie(y.head.at, y.head.node, y.hash);
        });
        out->hash = out->may_end;
        for (const uint32_t taker : takers_) {
            out->hash = mixed(out->hash, places_[taker].hash);
            out->heads.push_back(std::move(places_[taker].head));
        }
        return out;
    }

private:
    struct Place {
        Head head;
        uint64_t hash;
    };

    // Goes on from place next_. False over a limit.
    bool follow(StackSet &out) {
        const Head head = places_[next_].head;
        const Instruction &i = program_.code[head.at];
        switch (i.operation) {
        case Operation::byte:
        case Operation::chars:
            takers_.push_back(static_cast<uint32_t>(next_));
            break;
        case Operation::split:
            enter(i.first, head.below), enter(i.second, head.below);
            break;
        case Operation::jump:
            enter(i.first, head.below);
            break;
        case Operation::call: {
            const uint32_t depth = head.below ? head.below->depth + 1 : 1;
            if (depth > GrammarLimits::stack_depth) return false;
            enter(i.first, std::make_shared<const Frame>(
                               Frame{i.second, depth, mixed(i.second + uint64_t{1}, hash_of(head.below)), head.below}));
            break;
        }
        case Operation::leave:
            if (head.below)
                enter(head.below->resume, head.below->below);
            else
                out.may_end = true;
            break;
        }
        return takers_.size() <= GrammarLimits::stacks;
    }

    void grow() {
        slots_.assign(slots_.size() * 2, 0);
        for (uint32_t place = 0; place < places_.size(); ++place) {
            size_t slot = places_[place].hash & (slots_.size() - 1);
            while (slots_[slot] != 0) slot = (slot + 1) & (slots_.size() - 1);
            slots_[slot] = place + 1;
        }
    }

    const Program &program_;
    std::vector<Place> places_;    ///< All that were entered.
    std::vector<uint32_t> slots_;  ///< Hash table: indices into places_, plus one.
    std::vector<uint32_t> takers_; ///< Places that take a byte.
    size_t next_ = 0;              ///< Of places_, to be followed.
};

} // namespace

bool Head::operator==(const Head &other) const {
    return at == other.at && node == other.node && same(below, other.below);
}

StackSetPtr first_stacks(const Program &program) {
    uint64_t steps = 0;
    Closure closure(program);
    closure.enter(0, nullptr);
    return closure.finish(steps);
}

StackSetPtr next_stacks(const Program &program, const StackSet &from, uint8_t byte, uint64_t &steps) {
    Closure closure(program);
    for (const Head &head : from.heads) {
        ++steps;
        const Instruction &i = program.code[head.at];
        if (i.operation == Operation::byte) {
            if (i.first == byte) closure.enter(head.at + 1, head.below);
            continue;
        }
        const uint32_t node = program.automaton.step(head.node, byte);
        if (node == ByteAutomaton::done)
            closure.enter(head.at + 1, head.below);
        else if (node != ByteAutomaton::dead)
            closure.add(head.at, node, head.below);
    }
    return closure.finish(steps);
}

} // namespace quant::grammar
