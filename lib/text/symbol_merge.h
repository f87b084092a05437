// The merging loop that all BPE shares: neighbouring symbols become one, the best pair
// first and the leftmost of equals, in O(n log n) by a heap. What a pair is worth is
// the caller's: a rank from a list of merges, or the score of the joined token.
#pragma once

#include <cstdint>
#include <algorithm>
#include <functional>
#include <vector>

namespace quant {

struct Symbol {
    int32_t id;      ///< The caller's; < 0 is allowed.
    uint32_t begin;  ///< Of its bytes in the text.
    uint32_t length; ///< 0: has been merged into the one before.
    int32_t previous, next; ///< Places in the list, -1 for none.
};

struct PairValue {
    uint32_t priority; ///< Smaller merges first.
    int32_t id;        ///< Of the merged symbol.
};

/// Scratch memory, reused from word to word.
class SymbolMerger {
public:
    void clear() { symbols_.clear(); }
    void add(int32_t id, uint32_t begin, uint32_t length) {
        const auto place = static_cast<int32_t>(symbols_.size());
        if (place > 0) symbols_.back().next = place;
        symbols_.push_back({id, begin, length, place - 1, -1});
    }

    /// `value(left, right)` gives std::optional<PairValue>.
    template <class Value>
    void merge(const Value &value) {
        heap_.clear();
        for (size_t i = 0; i + 1 < symbols_.size(); ++i) push(static_cast<int32_t>(i), value);
        while (!heap_.empty()) {
            std::pop_heap(heap_.begin(), heap_.end(), std::greater<>());
            const Candidate best = heap_.back();
            heap_.pop_back();
            Symbol &left = symbols_[best.place];
            if (left.length == 0 || left.next < 0) continue;
            Symbol &right = symbols_[static_cast<size_t>(left.next)];
            // Symbols only ever grow, so an unchanged sum means an unchanged pair.
            if (left.length + right.length != best.length) continue;
            left.id = best.id;
            left.length = best.length;
            right.length = 0;
            left.next = right.next;
            if (left.next >= 0) symbols_[static_cast<size_t>(left.next)].previous = static_cast<int32_t>(best.place);
            if (left.previous >= 0) push(left.previous, value);
            push(static_cast<int32_t>(best.place), value);
        }
    }

    /// The symbols that are left, in order.
    template <class Each>
    void for_each(const Each &each) const {
        for (int32_t i = symbols_.empty() ? -1 : 0; i >= 0; i = symbols_[static_cast<size_t>(i)].next)
            each(symbols_[static_cast<size_t>(i)]);
    }

private:
    struct Candidate {
        uint32_t priority, place, length;
        int32_t id;
        bool operator>(const Candidate &other) const {
            return priority != other.priority ? priority > other.priority : place > other.place;
        }
    };

    template <class Value>
    void push(int32_t place, const Value &value) {
        const Symbol &left = symbols_[static_cast<size_t>(place)];
        if (left.next < 0) return;
        const Symbol &right = symbols_[static_cast<size_t>(left.next)];
        const auto worth = value(left, right);
        if (!worth) return;
        heap_.push_back({worth->priority, static_cast<uint32_t>(place), left.length + right.length, worth->id});
        std::push_heap(heap_.begin(), heap_.end(), std::greater<>());
    }

    std::vector<Symbol> symbols_;
    std::vector<Candidate> heap_;
};

} // namespace quant
