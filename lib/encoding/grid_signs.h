// The signs of a cell of 8 weights. Some encodings store all 8; others 7, and the last
// follows: the number of minus signs is even.
#pragma once

#include "encoding/grid_search.h"

#include <bit>

namespace quant {

/// Eight signs from the seven stored.
inline uint32_t even_signs(uint32_t seven) { return seven | (static_cast<uint32_t>(std::popcount(seven)) & 1) << 7; }

/// +1 or -1. Multiplied rather than negated, so that a NaN comes out as elsewhere.
inline float sign_of(uint32_t signs, size_t i) { return signs >> i & 1 ? -1.0f : 1.0f; }

/// The weights of a cell without their signs.
struct CellWeights {
    float wx[cell]; ///< Weight times magnitude.
    uint32_t signs = 0;

    CellWeights(const float *x, const float *w) {
        for (size_t i = 0; i < cell; i++) {
            wx[i] = w[i] * std::abs(x[i]);
            signs |= (x[i] < 0 ? 1u : 0u) << i;
        }
    }
    bool odd() const { return std::popcount(signs) % 2 != 0; }
};

/// Where among `n` weights the wrong sign costs least when they stand at these levels.
inline size_t cheapest_flip(const float *wx, const float *level, size_t n) {
    size_t best = 0;
    for (size_t i = 1; i < n; i++)
        if (wx[i] * level[i] < wx[best] * level[best]) best = i;
    return best;
}

} // namespace quant
