// Products of floats on tiles of bfloat16: each float is split into a high and a low part of 8 bits
// each, and three of the four products of parts are summed as floats; two where weights have no low
// parts. What is left out, low by low, and what the parts leave of a float are together at most 2^-15
// of |x w|, which from 256 columns on is within the tolerance of ops.h; of random numbers the sums are
// within 2^-18 of the magnitude summed. Shorter products, and those of few tokens or rows, for which
// splitting would cost more than it brings, are left to AVX-512.
//
// 128 columns of up to 96 rows are split and laid for the multiplier once, 48 KiB in a second-level
// cache; then, for every 32 tokens, their parts, 16 KiB in a first-level one, are multiplied with
// all these rows. A square of 32 tokens by 32 rows has four tiles of sums and loads eight tiles for
// twelve instructions of 16 cycles: high by low, high by high, low by high, so that each load
// changes one side only. So the multiplier is the limit, next to splitting the tokens anew for
// every 96 rows, which takes about half as long and runs beside it on the vector units.
#pragma once

#include "kernel/amx/tiles.h"
#include "kernel/avx512vnni/int8_lanes.h"

namespace quant::kernel::amx {
namespace {

using avx512vnni::TileRow;

constexpr size_t gemm_rows = 96, gemm_tokens = 32, gemm_columns = 128;
constexpr size_t step_columns = 32, most_steps = gemm_columns / step_columns; ///< Columns of an instruction.
constexpr size_t least_gemm_columns = 256, least_gemm_tokens = 32, least_gemm_rows = 16;
constexpr size_t tile_bytes = tile_rows * tile_row_bytes;

/// 16 rows or tokens by 128 columns, split: for each 32 columns a tile of high parts and one of low.
struct SplitTile {
    std::byte parts[most_steps][2][tile_bytes];
};

struct GemmScratch {
    alignas(64) SplitTile rows[gemm_rows / tile_rows];
    alignas(64) SplitTile tokens[gemm_tokens / tile_rows];
    alignas(64) float sums[4][tile_rows * tile_rows];
    bool low_rows;
};

/// Floats as two bfloat16 each; halves are the low 16 bits of a lane for the first 16 columns, the
/// high ones for the others: in which order columns are summed is all the same.
struct SplitColumns {
    __m512i high, low;

    QUANT_INLINE SplitColumns(__m512 first, __m512 second) {
        const __m512i first_high = rounded(first), second_high = rounded(second);
        high = pair(first_high, second_high);
        low = pair(raised(rest(first, first_high)), raised(rest(second, second_high)));
    }

private:
    /// Half of the last place that is kept is added: what is cut off then rounds.
    static QUANT_INLINE __m512i raised(__m512 x) {
        return _mm512_add_epi32(_mm512_castps_si512(x), _mm512_set1_epi32(0x8000));
    }
    static QUANT_INLINE __m512i magnitude(__m512 x) {
        return _mm512_and_si512(_mm512_castps_si512(x), _mm512_set1_epi32(0x7fffffff));
    }
    /// What would round to infinity is cut off instead; so are infinities and what is not a number, of
    /// which the low parts then are no numbers, nor any sum with them: an infinity does not survive.
    static QUANT_INLINE __m512i rounded(__m512 x) {
        const __mmask16 small = _mm512_cmplt_epi32_mask(magnitude(x), _mm512_set1_epi32(0x7f7f8000));
        const __m512i bits = _mm512_mask_mov_epi32(_mm512_castps_si512(x), small, raised(x));
        return _mm512_and_si512(bits, _mm512_set1_epi32(static_cast<int>(0xffff0000)));
    }
    static QUANT_INLINE __m512 rest(__m512 x, __m512i high) {
        return _mm512_sub_ps(x, _mm512_castsi512_ps(high));
    }
    static QUANT_INLINE __m512i pair(__m512i first, __m512i second) {
        return _mm512_mask_blend_epi16(0xaaaaaaaa, _mm512_srli_epi32(first, 16), second);
    }
};

/// Some of 32 columns of a row; others are 0.
QUANT_INLINE SplitColumns split_columns(const float *x, size_t n) {
    if (n >= step_columns) return {_mm512_loadu_ps(x), _mm512_loadu_ps(x + 16)};
    const auto mask = [](size_t lanes) __attribute__((always_inline)) {
        return static_cast<__mmask16>(lanes >= 16 ? 0xffffu : (1u << lanes) - 1);
    };
    const __m512 second = n > 16 ? _mm512_maskz_loadu_ps(mask(n - 16), x + 16) : _mm512_setzero_ps();
    return {_mm512_maskz_loadu_ps(mask(n), x), second};
}

/// Up to 16 rows `stride` apart, n columns of each; a tile's rows that are not there become zeros.
/// Whether any low part is not 0: those of weights that are stored as bfloat16 are.
bool split_rows(const float *x, size_t stride, size_t rows, size_t n, SplitTile &out) {
    __m512i any = _mm512_setzero_si512();
    for (size_t step = 0; step * step_columns < n; ++step)
        for (size_t r = 0; r < tile_rows; ++r) {
            const size_t at = step * step_columns;
            const SplitColumns split = r < rows ? split_columns(x + r * stride + at, n - at)
                                                : SplitColumns(_mm512_setzero_ps(), _mm512_setzero_ps());
            _mm512_store_si512(out.parts[step][0] + r * tile_row_bytes, split.high);
            _mm512_store_si512(out.parts[step][1] + r * tile_row_bytes, split.low);
            any = _mm512_or_si512(any, split.low);
        }
    return _mm512_test_epi32_mask(any, any) != 0;
}

/// Rows become the lanes, as the other operand has them.
void turn_parts(SplitTile &split, size_t steps) {
    for (size_t step = 0; step < steps; ++step)
        for (std::byte(&part)[tile_bytes] : split.parts[step]) {
            __m512i v[tile_rows];
#pragma GCC unroll 16
            for (size_t r = 0; r < tile_rows; ++r) v[r] = _mm512_load_si512(part + r * tile_row_bytes);
            avx512vnni::transpose_lanes(v);
#pragma GCC unroll 16
            for (size_t r = 0; r < tile_rows; ++r) _mm512_store_si512(part + r * tile_row_bytes, v[r]);
        }
}

/// Tiles 0 to 3 are sums, of token tile i and row tile j number 2 i + j.
constexpr int token_operands = 4, row_operands = 6;

template <int TokenTiles, int RowTiles>
struct Square {
    const SplitTile *tokens, *rows;
    bool low_rows; ///< Whether low parts of rows are not all 0.

    QUANT_INLINE void load_tokens(size_t step, int part) const {
        load_tile<token_operands>(tokens[0].parts[step][part], tile_row_bytes);
        if constexpr (TokenTiles == 2) load_tile<token_operands + 1>(tokens[1].parts[step][part], tile_row_bytes);
    }
    QUANT_INLINE void load_rows(size_t step, int part) const {
        load_tile<row_operands>(rows[0].parts[step][part], tile_row_bytes);
        if constexpr (RowTiles == 2) load_tile<row_operands + 1>(rows[1].parts[step][part], tile_row_bytes);
    }
    QUANT_INLINE void multiply() const {
        multiply_bf16<0, token_operands, row_operands>();
        if constexpr (RowTiles == 2) multiply_bf16<1, token_operands, row_operands + 1>();
        if constexpr (TokenTiles == 2) multiply_bf16<2, token_operands + 1, row_operands>();
        if constexpr (TokenTiles == 2 && RowTiles == 2) multiply_bf16<3, token_operands + 1, row_operands + 1>();
    }
    void run(size_t steps, float (&sums)[4][tile_rows * tile_rows]) const {
        zero_tile<0>(), zero_tile<1>(), zero_tile<2>(), zero_tile<3>();
        for (size_t step = 0; step < steps; ++step) {
            load_tokens(step, 0);
            if (low_rows) load_rows(step, 1), multiply();
            load_rows(step, 0), multiply();
            load_tokens(step, 1), multiply();
        }
        store_tile<0>(sums[0], tile_row_bytes);
        if constexpr (RowTiles == 2) store_tile<1>(sums[1], tile_row_bytes);
        if constexpr (TokenTiles == 2) store_tile<2>(sums[2], tile_row_bytes);
        if constexpr (TokenTiles == 2 && RowTiles == 2) store_tile<3>(sums[3], tile_row_bytes);
    }
};

void run_square(bool two_of_tokens, bool two_of_rows, const GemmScratch &in, size_t first_row_tile, size_t steps,
                float (&sums)[4][tile_rows * tile_rows]) {
    const SplitTile *rows = in.rows + first_row_tile;
    if (two_of_tokens) {
        if (two_of_rows) Square<2, 2>{in.tokens, rows, in.low_rows}.run(steps, sums);
        else Square<2, 1>{in.tokens, rows, in.low_rows}.run(steps, sums);
    } else {
        if (two_of_rows) Square<1, 2>{in.tokens, rows, in.low_rows}.run(steps, sums);
        else Square<1, 1>{in.tokens, rows, in.low_rows}.run(steps, sums);
    }
}

/// A square's sums into y, which begins at its first token and row; up to 32 of both are there.
void add_square(const float (&sums)[4][tile_rows * tile_rows], size_t tokens, size_t rows, float *y, size_t y_stride,
                bool accumulate) {
    for (size_t t = 0; t < tokens; ++t)
        for (size_t row = 0; row < rows; row += tile_rows) {
            const TileRow to(y + t * y_stride, rows, row);
            const float *from = sums[t / tile_rows * 2 + row / tile_rows] + t % tile_rows * tile_rows;
            const __m512 sum = _mm512_load_ps(from);
            to.store(accumulate ? _mm512_add_ps(to.load(), sum) : sum);
        }
}

QUANT_INLINE size_t at_most(size_t most, size_t n) { return n < most ? n : most; }

/// All tokens with n <= 128 columns from `column` on of up to 96 rows from `row` on.
void multiply_rows(const GemmBlock &b, size_t row, size_t column, GemmScratch &scratch) {
    const size_t rows = at_most(gemm_rows, b.rows - row), n = at_most(gemm_columns, b.k - column);
    const size_t steps = (n + step_columns - 1) / step_columns;
    scratch.low_rows = false;
    for (size_t r = 0; r < rows; r += tile_rows) {
        SplitTile &split = scratch.rows[r / tile_rows];
        const float *w = b.w + (row + r) * b.w_stride + column;
        scratch.low_rows |= split_rows(w, b.w_stride, at_most(tile_rows, rows - r), n, split);
        turn_parts(split, steps);
    }
    for (size_t token = 0; token < b.tokens; token += gemm_tokens) {
        const size_t tokens = at_most(gemm_tokens, b.tokens - token);
        for (size_t t = 0; t < tokens; t += tile_rows)
            split_rows(b.x + (token + t) * b.x_stride + column, b.x_stride, at_most(tile_rows, tokens - t), n,
                       scratch.tokens[t / tile_rows]);
        for (size_t r = 0; r < rows; r += 2 * tile_rows) {
            run_square(tokens > tile_rows, rows - r > tile_rows, scratch, r / tile_rows, steps, scratch.sums);
            add_square(scratch.sums, tokens, at_most(2 * tile_rows, rows - r), b.y + token * b.y_stride + row + r,
                       b.y_stride, b.accumulate || column != 0);
        }
    }
}

size_t bf16_peak(size_t steps) {
    const size_t run = run_full_tiles(steps, []() __attribute__((always_inline)) {
        multiply_bf16<0, 4, 5>();
        multiply_bf16<1, 4, 5>();
        multiply_bf16<2, 4, 5>();
        multiply_bf16<3, 4, 5>();
    });
    return run * tile_rows * tile_rows * step_columns;
}

void gemm(const GemmBlock &b) {
    if (b.k < least_gemm_columns || b.tokens < least_gemm_tokens || b.rows < least_gemm_rows)
        return avx512vnni_table().gemm(b);
    static constexpr TileShapes shapes = [] {
        TileShapes out;
        for (int tile = 0; tile < 8; ++tile) out.set(tile, tile_rows, tile_row_bytes);
        return out;
    }();
    const Tiles tiles(shapes);
    GemmScratch scratch;
    for (size_t row = 0; row < b.rows; row += gemm_rows)
        for (size_t column = 0; column < b.k; column += gemm_columns) multiply_rows(b, row, column, scratch);
}

} // namespace
} // namespace quant::kernel::amx
