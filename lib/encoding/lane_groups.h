// Sixteen groups of weights as lanes, brought to a size where no sum overflows.
//
// A block has 1, 8 or 16 groups; it is scaled by a power of two so that its largest
// weight is in [1, 2) (a few are larger where 2^127 occurs). What is found for it is
// turned to half precision as it will be stored.
#pragma once

#include "encoding/importance_weights.h"
#include "encoding/lanes.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

namespace quant::lane {

/// Bytes is the width of the CPU's vectors.
template <size_t Width, size_t Groups, size_t Bytes>
struct LaneGroups {
    using Floats = FloatsOf<Bytes>;
    using Ints = IntsOf<Bytes>;
    static constexpr size_t width = Width, groups = Groups, block = Width * Groups, blocks = lanes / Groups;

    alignas(64) float x[Width][lanes], w[Width][lanes];
    Floats up, down; ///< The powers of two from here to the caller's units and back.

    /// `count` blocks, at most `blocks`; lanes without a block are zeros.
    LaneGroups(const float *in, size_t count) {
        alignas(64) float padded[lanes * Width];
        if (count < blocks) {
            std::fill(std::copy_n(in, count * block, padded), std::end(padded), 0.0f);
            in = padded;
        }
        transpose(in, x);
        Floats most;
        for (size_t i = 0; i < Width; i++) most = max(most, abs(Floats::load(x[i])));
        most = run_max<Groups>(most);
        // 2^-24 is the smallest half; levels of at least 1 stand on it.
        const Ints zero = most < 0x1p-26f;
        const Ints exponent = bits_of(min(most, 0x1p126f)) & Ints(0x7f800000);
        up = select(zero, 1.0f, Floats::with_bits(exponent));
        down = select(zero, 0.0f, Floats::with_bits(Ints(254 << 23) - exponent));
        for (size_t i = 0; i < Width; i++) (Floats::load(x[i]) * down).store(x[i]);
    }

    /// Importance of the same blocks.
    void weigh(const float *importance, size_t count, float floor) {
        alignas(64) float natural[lanes * Width];
        for (size_t b = 0; b < count; b++) error_weights<block>(importance + b * block, floor, natural + b * block);
        std::fill(natural + count * block, std::end(natural), 1.0f);
        transpose(natural, w);
    }

    Floats at(size_t i) const { return Floats::load(x[i]); }
    Floats weight(size_t i) const { return Floats::load(w[i]); }

    /// The stored value nearest to `v`, seen in this frame.
    Floats half(Floats v) const { return nearest_halves(v * up) * down; }

private:
    // Rows of Width to rows of `lanes`, four of each.
    static void transpose_four(const float *in, float *out) {
        using Four = float __attribute__((vector_size(16)));
        using Order = int32_t __attribute__((vector_size(16)));
        Four row[4], half[4];
        for (size_t r = 0; r < 4; r++) std::memcpy(&row[r], in + r * Width, sizeof row[r]);
        for (size_t r = 0; r < 2; r++) {
            half[r] = __builtin_shuffle(row[2 * r], row[2 * r + 1], Order{0, 4, 1, 5});
            half[r + 2] = __builtin_shuffle(row[2 * r], row[2 * r + 1], Order{2, 6, 3, 7});
        }
        for (size_t r = 0; r < 2; r++) {
            row[2 * r] = __builtin_shuffle(half[2 * r], half[2 * r + 1], Order{0, 1, 4, 5});
            row[2 * r + 1] = __builtin_shuffle(half[2 * r], half[2 * r + 1], Order{2, 3, 6, 7});
        }
        for (size_t r = 0; r < 4; r++) std::memcpy(out + r * lanes, &row[r], sizeof row[r]);
    }
    static void transpose(const float *in, float (&out)[Width][lanes]) {
        static_assert(Width % 4 == 0 && lanes % 4 == 0);
        for (size_t i = 0; i < Width; i += 4)
            for (size_t k = 0; k < lanes; k += 4) transpose_four(in + k * Width + i, &out[i][k]);
    }
};

/// The value of largest magnitude of each group, with the sign of the first that has it.
template <class Set, class Floats = typename Set::Floats>
Floats extremes(const Set &set) {
    Floats most;
    for (size_t i = 0; i < Set::width; i++) most = select(abs(most) < abs(set.at(i)), set.at(i), most);
    return most;
}

} // namespace quant::lane
