// A worker's part of a parallel loop.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>

namespace quant {

/// A run of chunks that one worker takes from the front, and the others, when theirs are done,
/// from the back: each reads memory in one stream as long as nobody is held up.
class alignas(64) Slab {
public:
    /// Chunks [first, last) of those that [begin, end) is cut into. Nobody else may look meanwhile.
    void assign(size_t first, size_t last, size_t begin, size_t end, size_t chunk) {
        begin_ = begin, end_ = end, chunk_ = chunk;
        range_.store(pack(first, last), std::memory_order_relaxed);
    }
    /// What is left is nobody's. Any time.
    void empty() { range_.store(0, std::memory_order_relaxed); }

    bool take_first(size_t &begin, size_t &end) { return take(begin, end, true); }
    bool take_last(size_t &begin, size_t &end) { return take(begin, end, false); }

private:
    // Chunks are few (some for each worker), so that both ends fit one word.
    static uint64_t pack(size_t first, size_t last) { return uint64_t{first} << 32 | last; }
    bool take(size_t &begin, size_t &end, bool from_front) {
        uint64_t range = range_.load(std::memory_order_relaxed);
        for (;;) {
            const size_t first = range >> 32, last = range & 0xffffffff;
            if (first >= last) return false;
            const uint64_t rest = from_front ? pack(first + 1, last) : pack(first, last - 1);
            if (!range_.compare_exchange_weak(range, rest, std::memory_order_relaxed)) continue;
            begin = begin_ + (from_front ? first : last - 1) * chunk_;
            end = std::min(end_, begin + chunk_);
            return true;
        }
    }

    std::atomic<uint64_t> range_{0};
    size_t begin_ = 0, end_ = 0, chunk_ = 1;
};

} // namespace quant
