// Products of many tokens on bytes, in registers of eight rows by four columns: a tile of 16 rows by
// some tokens has its sums of a group of columns as integers. How bytes are multiplied is a parameter;
// integers are exact and floats are added in the order of the tiers with longer registers, so that
// numbers are the same.
#pragma once

#include "kernel/avx2/avx2_bytes.h"
#include "kernel/kernel_table.h"
#include "kernel/simd/simd_choices.h"

namespace quant::kernel::avx2 {
namespace {

constexpr size_t tile = register_tile.tokens;

QUANT_INLINE __m256i load_codes(const uint8_t *p) { return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p)); }
QUANT_INLINE void store_codes(uint8_t *p, __m256i v) { _mm256_storeu_si256(reinterpret_cast<__m256i *>(p), v); }

/// Codes of 16 rows, and some tokens of a tile with what goes with them, from a group of columns on.
struct TileWalk {
    const uint8_t *codes;
    const float *scales, *offsets;
    const int8_t *x;
    const float *x_scales, *x_sums;
    const int32_t *x_corrections;

    QUANT_INLINE TileWalk(const Int8Block &b, size_t panel, size_t number, size_t token, size_t groups) {
        const size_t of_panel = panel * groups * int8_lanes, of_tile = number * b.x_groups * tile + token;
        codes = b.codes + panel * b.k * int8_lanes;
        scales = b.scales + of_panel, offsets = b.offsets ? b.offsets + of_panel : nullptr;
        x = b.x + number * b.x_cols * tile + token * 4;
        x_scales = b.x_scales + of_tile, x_sums = b.x_sums + of_tile, x_corrections = b.x_corrections + of_tile;
    }
    template <size_t Group> QUANT_INLINE void next() {
        codes += Group * int8_lanes, x += Group * tile;
        scales += int8_lanes, offsets += offsets ? int8_lanes : 0;
        x_scales += tile, x_sums += tile, x_corrections += tile;
    }
};

/// Adds a group's sums: with the activations' scale, unless they share it with other groups (`Shared`).
template <bool Shared, int T>
QUANT_INLINE void add_group(const TileWalk &at, const __m256i (&dots)[T][2], __m256 (&sums)[T][2]) {
#pragma GCC unroll 2
    for (size_t h = 0; h < 2; ++h) {
        const __m256 scale = _mm256_loadu_ps(at.scales + h * half_rows);
#pragma GCC unroll 6
        for (int t = 0; t < T; ++t) {
            const __m256 dot = _mm256_cvtepi32_ps(dots[t][h]);
            if constexpr (Shared)
                sums[t][h] = _mm256_fmadd_ps(dot, scale, sums[t][h]);
            else
                sums[t][h] = _mm256_fmadd_ps(_mm256_mul_ps(dot, scale), _mm256_set1_ps(at.x_scales[t]), sums[t][h]);
        }
        if (at.offsets) {
            const __m256 offset = _mm256_loadu_ps(at.offsets + h * half_rows);
#pragma GCC unroll 6
            for (int t = 0; t < T; ++t)
                sums[t][h] = _mm256_fmadd_ps(offset, _mm256_set1_ps(at.x_sums[t]), sums[t][h]);
        }
    }
}

/// `T` tokens from `token` on of the tile with this number, of which `count` are written. Activations
/// share a scale over `Block` columns: where these are 256, the groups' sums need it once a block only.
template <class Codes, size_t Group, size_t Block, int T>
void run_tile(const Int8Block &b, size_t panel, size_t number, size_t token, size_t count) {
    constexpr bool shared = Block == 256;
    constexpr size_t run = shared ? Block / Group : 1;
    const size_t groups = b.k / Group;
    TileWalk at(b, panel, number, token, groups);
    float *const y = b.y + (number * tile + token) * b.y_stride + panel * int8_lanes;
    const size_t rows = b.rows - panel * int8_lanes;
    __m256 all[T][2], sums[T][2];
#pragma GCC unroll 6
    for (size_t t = 0; t < T; ++t)
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; ++h) {
            sums[t][h] = all[t][h] = _mm256_setzero_ps();
            if (b.accumulate && t < count) all[t][h] = HalfRow(y + t * b.y_stride, rows, h).load();
        }
    for (size_t first = 0; first < groups; first += run) {
        const float *block_scales = at.x_scales;
        for (size_t g = 0; g < run; ++g) {
            __m256i dots[T][2];
            Codes::template dots<Group / 4, T>(at.codes, at.x, at.x_corrections, dots);
            add_group<shared, T>(at, dots, sums);
            at.template next<Group>();
        }
        if constexpr (shared)
#pragma GCC unroll 6
            for (int t = 0; t < T; ++t)
#pragma GCC unroll 2
                for (int h = 0; h < 2; ++h) {
                    all[t][h] = _mm256_fmadd_ps(sums[t][h], _mm256_set1_ps(block_scales[t]), all[t][h]);
                    sums[t][h] = _mm256_setzero_ps();
                }
    }
#pragma GCC unroll 6
    for (size_t t = 0; t < T; ++t)
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; ++h)
            if (t < count)
                HalfRow(y + t * b.y_stride, rows, h).store(shared ? all[t][h] : _mm256_add_ps(sums[t][h], all[t][h]));
}

/// A tile's tokens, or the first `count` of them: those that are not there are zeros.
template <class Codes, size_t Group, size_t Block>
void run_tokens(const Int8Block &b, size_t panel, size_t number, size_t count) {
    if (Codes::tokens == tile && count > tile / 2)
        return run_tile<Codes, Group, Block, Codes::tokens>(b, panel, number, 0, count);
    for (size_t t = 0; t < count; t += tile / 2)
        run_tile<Codes, Group, Block, tile / 2>(b, panel, number, t, count - t < tile / 2 ? count - t : tile / 2);
}

template <class Codes, size_t Group, size_t Block> void run_panels(const Int8Block &b) {
    for (size_t p = 0; p < b.panels; ++p)
        for (size_t n = 0; n * tile < b.tokens; ++n)
            run_tokens<Codes, Group, Block>(b, p, n, b.tokens - n * tile < tile ? b.tokens - n * tile : tile);
}

/// A class Codes has the tokens that it takes at a time, a tile or half of it, and
///   dots<Quads, T>(codes, x, corrections, out)
/// the sums of `Quads` times four columns of 16 rows and `T` tokens.
template <class Codes> void multiply_bytes(const Int8Block &b) {
    simd::for_groups(b, [&]<size_t Group, size_t Block>() { run_panels<Codes, Group, Block>(b); });
}

/// Eight rows of eight lanes of four bytes become columns.
QUANT_INLINE void transpose_lanes(__m256i (&v)[8]) {
    __m256i a[8];
#pragma GCC unroll 4
    for (int i = 0; i < 8; i += 2) {
        a[i] = _mm256_unpacklo_epi32(v[i], v[i + 1]);
        a[i + 1] = _mm256_unpackhi_epi32(v[i], v[i + 1]);
    }
    __m256i c[8]; // Of rows 0 to 3, then 4 to 7: columns c and c + 4.
#pragma GCC unroll 2
    for (int i = 0; i < 8; i += 4) {
        c[i] = _mm256_unpacklo_epi64(a[i], a[i + 2]);
        c[i + 1] = _mm256_unpackhi_epi64(a[i], a[i + 2]);
        c[i + 2] = _mm256_unpacklo_epi64(a[i + 1], a[i + 3]);
        c[i + 3] = _mm256_unpackhi_epi64(a[i + 1], a[i + 3]);
    }
#pragma GCC unroll 4
    for (int i = 0; i < 4; ++i) {
        v[i] = _mm256_permute2x128_si256(c[i], c[i + 4], 0x20);
        v[i + 4] = _mm256_permute2x128_si256(c[i], c[i + 4], 0x31);
    }
}

void interleave_rows(const uint8_t *in, size_t stride, size_t n, uint8_t *out) {
    for (size_t at = 0; at < n; at += 32)
        for (size_t h = 0; h < 2; ++h) {
            __m256i v[8];
#pragma GCC unroll 8
            for (size_t r = 0; r < 8; ++r) v[r] = load_codes(in + (h * half_rows + r) * stride + at);
            transpose_lanes(v);
#pragma GCC unroll 8
            for (size_t i = 0; i < 8; ++i)
                store_codes(out + (at / 4 + i) * quad_bytes + h * half_bytes, v[i]);
        }
}

} // namespace
} // namespace quant::kernel::avx2
