#include "kernel/int8_tokens.h"

#include "kernel/activations.h"

#include <algorithm>
#include <cstring>

namespace quant {

void Int8Tokens::assign(const EncodingTraits &weights, size_t group, TokenTile tile, const float *x, size_t tokens,
                        size_t cols, size_t x_stride, WorkerPool &pool) {
    tile_ = tile, tokens_ = tokens, cols_ = cols, groups_ = cols / group;
    const size_t tiles = (tokens + tile.tokens - 1) / tile.tokens, padded = tiles * tile.tokens;
    const size_t block = activation_block(weights);
    codes_.resize(padded * cols);
    scales_.resize(padded * groups_), corrections_.resize(padded * groups_), sums_.resize(padded * groups_);
    pool.parallel_for(tiles, 2, [&](size_t begin, size_t end, unsigned) {
        const std::vector<float> none(end * tile.tokens > tokens ? cols : 0);
        for (size_t t = begin * tile.tokens; t < end * tile.tokens; t++)
            assign_token(t, t < tokens ? x + t * x_stride : none.data(), group, block);
    });
}

// Columns from `column` on of the token whose first is at `token`.
void Int8Tokens::place_codes(const int8_t *codes, size_t n, size_t column, int8_t *token) const {
    if (tile_.columns == 4) { // A copy of a size that is known is one move.
        for (size_t i = 0; i < n; i += 4) std::memcpy(token + (column + i) * tile_.tokens, codes + i, 4);
        return;
    }
    const size_t run = std::min(n, tile_.columns);
    for (size_t i = 0; i < n; i += run) {
        const size_t within = (column + i) % tile_.columns;
        std::memcpy(token + (column + i - within) * tile_.tokens + within, codes + i, run);
    }
}

void Int8Tokens::assign_token(size_t token, const float *x, size_t group, size_t block) {
    const size_t first = token / tile_.tokens, within = token % tile_.tokens;
    int8_t *out = codes_.data() + first * tile_.tokens * cols_ + within * tile_.columns;
    constexpr size_t most_columns = most_int8_blocks * most_activation_block;
    int8_t codes[most_columns];
    float scales[most_int8_blocks];
    int32_t sums[most_columns / 16];
    for (size_t at = 0, n; at < cols_; at += n) {
        n = std::min(cols_ - at, most_int8_blocks * block);
        int8_blocks(x + at, n / block, block, group, codes, scales, sums);
        place_codes(codes, n, at, out);
        for (size_t g = 0; g < n / group; g++) {
            const size_t place = (first * groups_ + at / group + g) * tile_.tokens + within;
            const float scale = scales[g * group / block];
            scales_[place] = scale;
            corrections_[place] = -128 * sums[g];
            sums_[place] = (block > 32 ? 1 : scale) * static_cast<float>(sums[g]);
        }
    }
}

} // namespace quant
