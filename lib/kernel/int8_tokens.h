// Activations rounded to signed bytes, as products with quantized weights take them
// where the CPU multiplies bytes.
#pragma once

#include "encoding/encoding.h"
#include "machine/worker_pool.h"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace quant {

/// How many tokens lie side by side, and how many neighbouring columns of each before the next
/// one's: what a tier's instruction takes at a time.
struct TokenTile {
    size_t tokens, columns; ///< columns is 4 or a multiple of 32; it divides those that are multiplied.
};

/// Of tiers whose instruction takes four columns, and whose registers hold the sums of 6 tokens.
inline constexpr TokenTile register_tile{6, 4};

/// Codes, and what is needed of each group of columns that shares a scale of the weights,
/// in tiles of tokens side by side, so that a kernel walks along one pointer; of the last
/// tile, tokens that are not there are zeros. The numbers are those of round_activations().
/// One thread at a time.
class Int8Tokens {
public:
    /// `group` divides the activations' block for these weights, and that divides cols.
    void assign(const EncodingTraits &weights, size_t group, TokenTile tile, const float *x, size_t tokens,
                size_t cols, size_t x_stride, WorkerPool &pool);

    size_t tokens() const { return tokens_; }
    size_t cols() const { return cols_; }
    size_t groups() const { return groups_; }
    TokenTile tile() const { return tile_; }
    /// tiles x cols/columns x tokens x columns of the tile.
    const int8_t *codes() const { return codes_.data(); }
    /// tiles x groups x tokens of the tile, as the next two: the activations' scale.
    const float *scales() const { return scales_.data(); }
    /// -128 times the sum of codes: what makes up for weights stored with 128 added.
    const int32_t *corrections() const { return corrections_.data(); }
    /// The sum of activations; where they share a scale over 256 columns, in units of that.
    const float *sums() const { return sums_.data(); }

private:
    void assign_token(size_t token, const float *x, size_t group, size_t block);
    void place_codes(const int8_t *codes, size_t n, size_t column, int8_t *token) const;

    TokenTile tile_ = register_tile;
    size_t tokens_ = 0, cols_ = 0, groups_ = 0;
    std::vector<int8_t> codes_;
    std::vector<float> scales_, sums_;
    std::vector<int32_t> corrections_;
};

} // namespace quant
