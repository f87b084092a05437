// Words fall to 32 lanes in turn. A step of a lane, (state ^ word) * odd, then a shift's exclusive or, can be undone for
// any word, so a change of one word always changes its lane's end, and so does each step of joining the
// lanes. Lanes are enough that the products wait for none before them.
#include "kernel/pack_hash.h"

#include "encoding/cpu_clones.h"

#include <array>
#include <cstring>

namespace quant::kernel {

namespace {

constexpr size_t lanes = 32, stripe = lanes * sizeof(uint64_t);
constexpr uint64_t odd = 0x9e3779b97f4a7c15; // 2^64 over the golden ratio, as is usual.
using Lanes = std::array<uint64_t, lanes>;

constexpr uint64_t step(uint64_t state, uint64_t word) {
    state = (state ^ word) * odd;
    return state ^ state >> 29;
}

QUANT_CPU_CLONES void add_stripes(const std::byte *p, size_t count, Lanes &state) {
    for (; count != 0; count--, p += stripe) {
        Lanes words;
        std::memcpy(words.data(), p, stripe);
        for (size_t i = 0; i < lanes; i++) state[i] = step(state[i], words[i]);
    }
}

} // namespace

uint64_t pack_hash(std::span<const std::byte> bytes) noexcept {
    Lanes state;
    for (size_t i = 0; i < lanes; i++) state[i] = (i + 1) * odd;
    const size_t whole = bytes.size() / stripe;
    add_stripes(bytes.data(), whole, state);
    if (const auto rest = bytes.subspan(whole * stripe); !rest.empty()) {
        std::array<std::byte, stripe> padded{};
        std::memcpy(padded.data(), rest.data(), rest.size());
        add_stripes(padded.data(), 1, state);
    }
    uint64_t out = step(odd, bytes.size());
    for (const uint64_t s : state) out = step(out, s);
    return out;
}

} // namespace quant::kernel
