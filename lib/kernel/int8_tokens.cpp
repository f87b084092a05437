#include "kernel/int8_tokens.h"

#include "kernel/activations.h"

#include <algorithm>
#include <cstring>

namespace quant {

void Int8Tokens::assign(const EncodingTraits &weights, size_t group, const float *x, size_t tokens, size_t cols,
                        size_t x_stride, WorkerPool &pool) {
    tokens_ = tokens, cols_ = cols, groups_ = cols / group;
    const size_t tiles = (tokens + tile - 1) / tile, padded = tiles * tile, block = activation_block(weights);
    codes_.resize(padded * cols);
    scales_.resize(padded * groups_), corrections_.resize(padded * groups_), sums_.resize(padded * groups_);
    pool.parallel_for(tiles, 2, [&](size_t begin, size_t end, unsigned) {
        const std::vector<float> none(end * tile > tokens ? cols : 0);
        for (size_t t = begin * tile; t < end * tile; t++)
            assign_token(t, t < tokens ? x + t * x_stride : none.data(), group, block);
    });
}

void Int8Tokens::assign_token(size_t token, const float *x, size_t group, size_t block) {
    const size_t first = token / tile, within = token % tile;
    int8_t *out = codes_.data() + first * tile * cols_ + within * 4;
    constexpr size_t most_columns = most_int8_blocks * most_activation_block;
    int8_t codes[most_columns];
    float scales[most_int8_blocks];
    int32_t sums[most_columns / 16];
    for (size_t at = 0, n; at < cols_; at += n) {
        n = std::min(cols_ - at, most_int8_blocks * block);
        int8_blocks(x + at, n / block, block, group, codes, scales, sums);
        for (size_t i = 0; i < n; i += 4) std::memcpy(out + (at + i) * tile, codes + i, 4);
        for (size_t g = 0; g < n / group; g++) {
            const size_t place = (first * groups_ + at / group + g) * tile + within;
            const float scale = scales[g * group / block];
            scales_[place] = scale;
            corrections_[place] = -128 * sums[g];
            sums_[place] = (block > 32 ? 1 : scale) * static_cast<float>(sums[g]);
        }
    }
}

} // namespace quant
