// Activations of PlaneTokens with sixteen tokens side by side, the lanes of a register: a product of many tokens
// then takes a weight out of memory once for all of them and for both planes.
#pragma once

#include "kernel/plane_tokens.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace quant {

/// Blocks of 16 tokens; the last one's lanes without a token hold zeros. One thread at a time.
class TokenLanes {
public:
    static constexpr size_t lanes = 16;

    void assign(const PlaneTokens &from, WorkerPool &pool);

    /// blocks x columns / 4 x 2 planes x lanes x 4 columns: high bytes, then low ones. All of them 64-byte aligned.
    const int8_t *bytes() const { return quads_.data()->of[0].data(); }
    /// blocks x stretches x lanes.
    const float *scales() const { return scales_.data()->of; }
    /// blocks x groups x lanes.
    const int32_t *sums() const { return sums_.data()->of; }

private:
    template <class Number> struct alignas(64) Row { Number of[lanes]; };
    using Quad = std::array<int8_t, 4>;

    void lay(const PlaneTokens &from, size_t block, size_t stretch);

    std::vector<Row<Quad>> quads_;
    std::vector<Row<float>> scales_;
    std::vector<Row<int32_t>> sums_;
};

} // namespace quant
