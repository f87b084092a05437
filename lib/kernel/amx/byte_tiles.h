// Products of bytes on tiles: 16 tokens by 16 rows of weights at a time, with up to 64 columns an
// instruction. Rows are the lanes of the sums, so that a group's scales are one register.
//
// Codes are signed here on both sides, so nothing has to make up for an added 128; sums of
// integers are exact, and those of floats are taken in the order of the AVX-512 VNNI tier, whose
// results these are to the bit.
//
// What limits it: one instruction keeps the multiplier busy for 16 cycles, and a group's 16
// registers of sums then need a conversion and one or two multiplications each, 16 to 24 cycles of
// the two vector units, and one more operation for offsets. For groups of 16 and 32 these are the
// limit, at 1/4 and 1/2 of the multiplier's width besides; for groups of 256, four instructions a
// group, the multiplier is. So the sums as floats of one tile stay in registers over all groups
// instead of many tiles sharing loads: a group loads 24 rows of tiles, which two load units do
// beside the conversions. A group is multiplied while the sums of the one before are scaled, out of
// two tiles and two buffers in turns. The columns of a call (768) of 32 rows and 16 tokens are
// 36 KiB, which a first-level cache of 48 KiB holds with the buffers; codes of rows come from there
// for every 16 tokens, tokens from the second level once for every 32 rows.
#pragma once

#include "kernel/amx/tiles.h"
#include "kernel/avx512vnni/int8_lanes.h"
#include "kernel/simd/simd_choices.h"

namespace quant::kernel::amx {
namespace {

using avx512vnni::TileRow;

constexpr TokenTile byte_tile{tile_rows, tile_row_bytes};

/// The tiles of sums are numbered by their turn: 0 and 1, and their operands likewise from these on.
constexpr int token_tiles = 2, code_tiles = 4;

/// Products of groups of `Group` columns with `Tokens` tokens.
template <size_t Group, int Tokens>
struct ByteGroups {
    static constexpr size_t columns = Group < tile_row_bytes ? Group : tile_row_bytes; ///< Of an instruction.

    static constexpr TileShapes shapes() {
        TileShapes out;
        for (int turn = 0; turn < 2; ++turn) {
            out.set(turn, Tokens, tile_row_bytes);
            out.set(token_tiles + turn, Tokens, columns);
            out.set(code_tiles + turn, columns / 4, tile_row_bytes);
        }
        return out;
    }

    const int8_t *x;
    const uint8_t *codes;
    alignas(64) int32_t dots[2][tile_rows * int8_lanes];

    template <int Turn>
    QUANT_INLINE void multiply_in_turn(size_t group) {
        zero_tile<Turn>();
        for (size_t at = group * Group; at < (group + 1) * Group; at += columns) {
            const size_t within = at % tile_row_bytes;
            load_tile<token_tiles + Turn>(x + (at - within) * tile_rows + within, tile_row_bytes);
            load_tile<code_tiles + Turn>(codes + at * int8_lanes, tile_row_bytes);
            multiply_bytes<Turn, token_tiles + Turn, code_tiles + Turn>();
        }
        store_tile<Turn>(dots[Turn], tile_row_bytes);
    }

    QUANT_INLINE void multiply(size_t group) {
        if (group % 2 == 0) multiply_in_turn<0>(group);
        else multiply_in_turn<1>(group);
    }

    QUANT_INLINE __m512 dot(size_t group, int token) const {
        return _mm512_cvtepi32_ps(_mm512_load_si512(dots[group % 2] + static_cast<size_t>(token) * int8_lanes));
    }
};

/// Sums of the first `count` tokens into y, from `to` on: as they are, or times the activations' scales
/// of the block where they share one.
template <bool Scaled, int Tokens>
QUANT_INLINE void write_sums(const __m512 (&sums)[Tokens], int count, const float *scales, bool fresh, TileRow to,
                             size_t y_stride) {
#pragma GCC unroll 16
    for (int t = 0; t < Tokens; ++t, to.y += y_stride) {
        if (t >= count) break;
        const __m512 before = fresh ? _mm512_setzero_ps() : to.load();
        to.store(Scaled ? _mm512_fmadd_ps(sums[t], _mm512_set1_ps(scales[t]), before) : _mm512_add_ps(sums[t], before));
    }
}

/// One panel of rows with the first `count` tokens of the tile with this number, of which `Tokens`
/// are multiplied. As run_tile() of AVX-512 VNNI: where activations share a scale over 256
/// columns, the groups' sums need it once a block only.
template <int Tokens, size_t Group, size_t Block, bool Offsets>
void run_byte_tile(const Int8Block &b, size_t number, size_t panel, int count) {
    constexpr bool shared = Block == 256;
    constexpr size_t run = shared ? Block / Group : 1;
    const size_t groups = b.k / Group, of_tile = number * b.x_groups * tile_rows;
    const float *scales = b.scales + panel * groups * int8_lanes;
    const float *offsets = Offsets ? b.offsets + panel * groups * int8_lanes : nullptr;
    const float *x_scales = b.x_scales + of_tile, *x_sums = b.x_sums + of_tile;
    const TileRow to(b, number * tile_rows, panel);
    ByteGroups<Group, Tokens> products;
    products.x = b.x + number * b.x_cols * tile_rows, products.codes = b.codes + panel * b.k * int8_lanes;
    products.multiply(0);
    __m512 sums[Tokens];
    for (size_t first = 0; first < groups; first += run) {
        if (shared || first == 0)
#pragma GCC unroll 16
            for (int t = 0; t < Tokens; ++t) sums[t] = _mm512_setzero_ps();
        for (size_t g = first; g < first + run; ++g) {
            if (g + 1 < groups) products.multiply(g + 1);
            const __m512 scale = _mm512_loadu_ps(scales + g * int8_lanes);
            const float *token_scales = x_scales + g * tile_rows, *token_sums = x_sums + g * tile_rows;
#pragma GCC unroll 16
            for (int t = 0; t < Tokens; ++t) {
                const __m512 dot = products.dot(g, t);
                sums[t] = shared ? _mm512_fmadd_ps(dot, scale, sums[t])
                                 : _mm512_fmadd_ps(_mm512_mul_ps(dot, scale), _mm512_set1_ps(token_scales[t]), sums[t]);
            }
            if constexpr (Offsets) {
                const __m512 offset = _mm512_loadu_ps(offsets + g * int8_lanes);
#pragma GCC unroll 16
                for (int t = 0; t < Tokens; ++t)
                    sums[t] = _mm512_fmadd_ps(offset, _mm512_set1_ps(token_sums[t]), sums[t]);
            }
        }
        if (!shared && first + run < groups) continue;
        const bool fresh = !b.accumulate && (!shared || first == 0);
        write_sums<shared>(sums, count, x_scales + first * tile_rows, fresh, to, b.y_stride);
    }
}

/// Tiles `begin` to `end`, of which the last has `last` tokens.
template <int Tokens, size_t Group, size_t Block, bool Offsets>
void run_byte_tiles(const Int8Block &b, size_t begin, size_t end, int last) {
    if (begin == end) return;
    static constexpr TileShapes shapes = ByteGroups<Group, Tokens>::shapes();
    const Tiles tiles(shapes);
    for (size_t n = begin; n < end; ++n)
        for (size_t p = 0; p < b.panels; ++p)
            run_byte_tile<Tokens, Group, Block, Offsets>(b, n, p, n + 1 == end ? last : Tokens);
}

/// All tokens: a last tile of up to 8 of them takes half the time.
template <size_t Group, size_t Block, bool Offsets>
void run_tokens(const Int8Block &b) {
    const size_t whole = b.tokens / tile_rows;
    const int rest = static_cast<int>(b.tokens % tile_rows);
    const bool wide = rest > 8;
    run_byte_tiles<16, Group, Block, Offsets>(b, 0, whole + (wide ? 1 : 0), wide ? rest : 16);
    if (rest != 0 && !wide) run_byte_tiles<8, Group, Block, Offsets>(b, whole, whole + 1, rest);
}

template <size_t Group, size_t Block>
void run_offsets(const Int8Block &b) {
    b.offsets ? run_tokens<Group, Block, true>(b) : run_tokens<Group, Block, false>(b);
}

void int8_gemm(const Int8Block &b) {
    simd::for_groups(b, [&]<size_t Group, size_t Block>() { run_offsets<Group, Block>(b); });
}

/// Codes become signed ones, which are 128 less.
void interleave(const uint8_t *in, size_t stride, size_t n, uint8_t *out) {
    avx512vnni::interleave_xor(in, stride, n, _mm512_set1_epi8(static_cast<char>(0x80)), out);
}

size_t int8_peak(size_t steps) {
    const size_t run = run_full_tiles(steps, []() __attribute__((always_inline)) {
        multiply_bytes<0, 4, 5>();
        multiply_bytes<1, 4, 5>();
        multiply_bytes<2, 4, 5>();
        multiply_bytes<3, 4, 5>();
    });
    return run * tile_rows * int8_lanes * tile_row_bytes;
}

} // namespace
} // namespace quant::kernel::amx
