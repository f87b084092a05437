// Attention of many rows in whole numbers of 16 bits, which CPUs multiply in pairs, twice as many an instruction
// as floats, and add to sums of 32 bits. Rows of queries lie side by side, the lanes of registers; whatever runs
// along the other axis is broadcast, so that no sum, and no maximum, runs across lanes.
//
// Where numbers lie in pairs, a 32-bit word has two neighbours: the first in its lower half.
//
// A row of a page has scores u = log2(e) * (q . k) + log2(scale of the position's value): weights 2^(u - the largest u)
// then multiply values of which each position's fill the same range. No sum of products overflows: numbers are
// bounded by how many are summed up, and every tier gives the same.
#pragma once

#include "kernel/ops.h"

#include <cstddef>
#include <cstdint>

namespace quant::kernel {

/// Rows that are worked on at a time, 16 or two or three times that: their scores of a page stay in a first-level cache.
constexpr size_t pair_lanes = KvLayout::key_lanes, most_pair_rows = 3 * pair_lanes;

/// Weights are at most 2^weight_bits, values at most most_value; a page of their products is added up.
constexpr int32_t weight_bits = 13, most_value = 4095;
static_assert(int64_t{KvLayout::positions} * most_value << weight_bits <= INT32_MAX);

/// What queries and keys of `dims` are bounded by.
constexpr int32_t pair_limit(size_t dims) {
    const uint64_t terms = (dims + 1) / 2 * 2;
    int32_t limit = INT16_MAX;
    while (terms * static_cast<uint64_t>(limit) * static_cast<uint64_t>(limit) > INT32_MAX) limit -= 1 + limit / 64;
    return limit;
}

/// Vectors side by side, in whole numbers: of each lane `scale` times these is what it was, to half a unit.
struct PairLanes {
    const float *in; ///< dims x pair_lanes.
    size_t dims;
    float limit;     ///< The largest number.
    float factor;    ///< Of the scales.
    int32_t *out;    ///< Pairs of dims, `stride` apart, x pair_lanes.
    size_t stride;
    float *scales;   ///< One a lane; NaN where a number is not finite.
};

/// Rows of values in whole numbers, each with a power of two as scale.
struct PairRows {
    const float *in;   ///< rows x dims.
    size_t rows, dims;
    int32_t *out;      ///< Pairs of rows x padded_dims. Rows behind the last are zeros, as are dims.
    size_t padded_dims, pairs;
    float *powers;     ///< Of each of 2 * pairs rows log2 of its scale; NaN where a number is not finite.
    float *weights;    ///< Of each, 1 / its scale.
};

struct PairScores {
    const int32_t *keys;       ///< Panels x pairs x pair_lanes positions.
    size_t positions, pairs;   ///< Positions are a multiple of pair_lanes.
    const float *key_scales, *powers; ///< By position.
    const int32_t *q;          ///< pairs x rows.
    const float *q_scales;
    size_t rows;               ///< A multiple of pair_lanes, at most most_pair_rows.
    float *out;                ///< positions x rows.
};

struct PairWeights {
    const float *scores;       ///< positions x rows. Of positions that a row does not see, `unseen`.
    size_t positions, rows;
    const float *weights;      ///< As PairRows::weights.
    float *maximum, *sum;      ///< By row; moved along. Begin with `no_score` and 0.
    float *keep, *part;        ///< By row: what earlier sums, and this page's, count then.
    int32_t *out;              ///< Pairs of positions x rows.
};
constexpr float no_score = -1e30f, unseen = -3e38f;

struct PairValues {
    const int32_t *values;     ///< pairs x dims.
    size_t pairs, dims;        ///< Dims are a multiple of pair_lanes.
    const int32_t *weights;    ///< pairs x rows.
    const float *keep, *part;  ///< By row.
    size_t rows;
    float *out;                ///< dims x rows: keep * out + part * sum of products.
};

struct PairKernels {
    void (*quantize_lanes)(const PairLanes &) = nullptr;
    void (*quantize_rows)(const PairRows &) = nullptr;
    void (*scores)(const PairScores &) = nullptr;
    void (*weigh)(const PairWeights &) = nullptr;
    void (*add_values)(const PairValues &) = nullptr;
};

} // namespace quant::kernel
