// How the codebook formats' panels (grid_panel_layout.h) differ: where codes, signs and scales of
// eight rows come from. Indices have no more bits than the book has points, whatever the bytes.
#pragma once

#include "encoding/grid_bytes.h"
#include "kernel/avx2/avx2_bytes.h"
#include "kernel/grid_panel_layout.h"

namespace quant::kernel::avx2 {
namespace {

// Into zeros: a gather keeps lanes of what its register held, and would wait for that.
template <size_t Points> QUANT_INLINE __m256i points_at(const GridBytes<Points, 8> &book, __m128i codes) {
    return _mm256_mask_i32gather_epi64(_mm256_setzero_si256(), reinterpret_cast<const long long *>(book.point), codes,
                                       _mm256_set1_epi64x(-1), 8);
}
template <size_t Points> QUANT_INLINE __m256i points_at(const GridBytes<Points, 4> &book, __m256i codes) {
    return _mm256_mask_i32gather_epi32(_mm256_setzero_si256(), reinterpret_cast<const int *>(book.point), codes,
                                       _mm256_set1_epi32(-1), 4);
}

/// Eight rows' points of a half of a cell: bytes above `Least`.
template <int Least, size_t Points>
QUANT_INLINE void points_of(const GridBytes<Points, 8> &book, __m256i codes, __m256i (&out)[2]) {
    const __m256i least = every_byte(grid_bias + Least);
    out[0] = _mm256_sub_epi8(points_at(book, _mm256_castsi256_si128(codes)), least);
    out[1] = _mm256_sub_epi8(points_at(book, _mm256_extracti128_si256(codes, 1)), least);
}
template <size_t Points>
QUANT_INLINE void points_of(const GridBytes<Points, 4> &book, __m256i first, __m256i last, __m256i (&out)[2]) {
    out[0] = _mm256_sub_epi8(points_at(book, first), every_byte(grid_bias));
    out[1] = _mm256_sub_epi8(points_at(book, last), every_byte(grid_bias));
}

QUANT_INLINE __m256i eight_words(const std::byte *p) { return _mm256_cvtepu16_epi32(x86::load16(p)); }

/// `low` and the bits of `high`, moved up by `up`, that stand in `mask`.
QUANT_INLINE __m256i with_high(__m256i low, __m256i high, int up, int mask) {
    const __m256i moved = up > 0 ? _mm256_slli_epi32(high, up) : up < 0 ? _mm256_srli_epi32(high, -up) : high;
    return _mm256_or_si256(low, _mm256_and_si256(moved, _mm256_set1_epi32(mask)));
}

/// Twice a number of `bits` bits that begins at bit `from` of each lane, and one.
QUANT_INLINE __m256 odd_scale(__m256i v, int from, int bits) {
    return _mm256_cvtepi32_ps(with_high(_mm256_set1_epi32(1), v, 1 - from, ((1 << bits) - 1) * 2));
}

/// Each byte's top bit becomes the parity of the seven below it.
QUANT_INLINE __m256i even_signs(__m256i v) {
    const __m256i sevens = _mm256_and_si256(v, every_byte(127));
    const __m256i folded = _mm256_and_si256(_mm256_xor_si256(sevens, shifted_down(sevens, 4)), every_byte(15));
    constexpr char odd = static_cast<char>(0x80);
    const __m128i parity = _mm_setr_epi8(0, odd, odd, 0, odd, 0, 0, odd, odd, 0, 0, odd, 0, odd, odd, 0);
    return _mm256_or_si256(sevens, _mm256_shuffle_epi8(twice(parity), folded));
}

/// Signs of the 8 halves of a run, which lie in memory, or are stored there.
QUANT_INLINE const std::byte *kept(__m256i first, __m256i last, std::byte (&buffer)[64]) {
    _mm256_store_si256(reinterpret_cast<__m256i *>(buffer), even_signs(first));
    _mm256_store_si256(reinterpret_cast<__m256i *>(buffer + 32), even_signs(last));
    return buffer;
}

/// What differs from one encoding to the next. Of a run: signs; of a half of a cell: points as bytes up
/// to `most`, where there are no signs too large by `bias`; of a group: its scale, and what the
/// group's sum of activations adds.
template <quant_encoding Encoding> struct GridTraits;

/// Scales in the top bits of the signs: a byte's top bit is 128, so a scale counts 128 and a half 64.
struct ScalesBesideSigns {
    static QUANT_INLINE __m256 scale_of(const std::byte *signs, size_t h) {
        // A row's four bytes weigh 1, 2, 4 and 8.
        const __m256i top = _mm256_and_si256(shifted_down(load32(signs + h * half_bytes), 7), every_byte(1));
        const __m256i pairs = _mm256_maddubs_epi16(top, _mm256_set1_epi32(0x08040201));
        const __m256i scale = _mm256_madd_epi16(pairs, _mm256_set1_epi16(128));
        return _mm256_cvtepi32_ps(_mm256_add_epi32(scale, _mm256_set1_epi32(64)));
    }
};

template <> struct GridTraits<QUANT_IQ2_XXS> : ScalesBesideSigns {
    static constexpr int most = 43;
    static constexpr float factor = 0.25f / 128;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&buffer)[64]) {
        return kept(load32(run + 64), load32(run + 96), buffer);
    }
    static QUANT_INLINE void points(const std::byte *, const std::byte *run, size_t, size_t half, __m256i (&out)[2]) {
        points_of<0>(bytes_256x8, eight_bytes(run + half * 8), out);
    }
    static QUANT_INLINE __m256 scale(const std::byte *, const std::byte *run, size_t, size_t, size_t h) {
        return scale_of(run + 64, h);
    }
};

template <> struct GridTraits<QUANT_IQ3_XXS> : ScalesBesideSigns {
    static constexpr int most = 62;
    static constexpr float factor = 0.5f / 128;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&buffer)[64]) {
        return kept(load32(run + 128), load32(run + 160), buffer);
    }
    static QUANT_INLINE void points(const std::byte *, const std::byte *run, size_t, size_t half, __m256i (&out)[2]) {
        points_of(bytes_256x4, eight_bytes(run + half * 16), eight_bytes(run + half * 16 + 8), out);
    }
    static QUANT_INLINE __m256 scale(const std::byte *, const std::byte *run, size_t, size_t, size_t h) {
        return scale_of(run + 128, h);
    }
};

/// Nibbles of a byte for each row.
QUANT_INLINE __m256 nibble_scale(const std::byte *bytes, size_t which, size_t h) {
    const __m256i v = eight_bytes(bytes + h * half_rows);
    return which == 0 ? odd_scale(v, 0, 4) : odd_scale(v, 4, 4);
}

template <> struct GridTraits<QUANT_IQ2_XS> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ2_XS);
    static constexpr int most = 43;
    static constexpr float factor = 0.125f;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&buffer)[64]) {
        return kept(sign_bytes(run), sign_bytes(run + 32), buffer);
    }
    /// The top seven bits of words, those of rows 0 to 7 of two cells and those of the others in turn.
    static QUANT_INLINE __m256i sign_bytes(const std::byte *words) {
        const __m256i first = _mm256_srli_epi16(load32(words), 9), second = _mm256_srli_epi16(load32(words + 64), 9);
        return _mm256_packus_epi16(first, second);
    }
    static QUANT_INLINE void points(const std::byte *, const std::byte *run, size_t, size_t half, __m256i (&out)[2]) {
        const __m256i words = eight_words(run + half % 2 * 64 + half / 2 * 16);
        points_of<0>(bytes_512x8, _mm256_and_si256(words, _mm256_set1_epi32(511)), out);
    }
    static QUANT_INLINE __m256 scale(const std::byte *unit, const std::byte *, size_t run, size_t group, size_t h) {
        return nibble_scale(unit + layout.scales_at() + run * panel_rows, group, h);
    }
};

template <> struct GridTraits<QUANT_IQ2_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ2_S);
    static constexpr int most = 43;
    static constexpr float factor = 0.125f;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&)[64]) { return run + 64; }
    static QUANT_INLINE void points(const std::byte *unit, const std::byte *run, size_t number, size_t half,
                                    __m256i (&out)[2]) {
        // Runs 0 to 3 have their bits in the first dwords, 8 bits each.
        const std::byte *high = unit + layout.high_at() + number / 4 * 64 + half % 2 * 32;
        const __m256i here = _mm256_srl_epi32(load32(high), _mm_cvtsi32_si128(static_cast<int>(number % 4 * 8)));
        points_of<0>(bytes_1024x8,
                     with_high(eight_bytes(run + half * 8), here, 8 - static_cast<int>(half / 2) * 2, 0x300), out);
    }
    static QUANT_INLINE __m256 scale(const std::byte *unit, const std::byte *, size_t run, size_t group, size_t h) {
        return nibble_scale(unit + layout.scales_at() + run * panel_rows, group, h);
    }
};

template <> struct GridTraits<QUANT_IQ3_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ3_S);
    static constexpr int most = 15;
    static constexpr float factor = 1;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&)[64]) { return run + 128; }
    static QUANT_INLINE void points(const std::byte *unit, const std::byte *run, size_t number, size_t half,
                                    __m256i (&out)[2]) {
        const int high = simd::read_u16(unit + layout.high_at() + (number * 8 + half) * 2);
        points_of(bytes_512x4, with_ninth(eight_bytes(run + half * 16), high),
                  with_ninth(eight_bytes(run + half * 16 + 8), high >> 8), out);
    }
    /// A bit of `high` is the ninth of each lane.
    static QUANT_INLINE __m256i with_ninth(__m256i low, int high) {
        const __m256i up = _mm256_setr_epi32(8, 7, 6, 5, 4, 3, 2, 1);
        const __m256i bits = _mm256_sllv_epi32(_mm256_set1_epi32(high), up);
        return _mm256_or_si256(low, _mm256_and_si256(bits, _mm256_set1_epi32(256)));
    }
    static QUANT_INLINE __m256 scale(const std::byte *unit, const std::byte *, size_t run, size_t, size_t h) {
        return nibble_scale(unit + layout.scales_at() + run / 2 * panel_rows, run % 2, h);
    }
};

template <> struct GridTraits<QUANT_IQ1_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ1_S);
    static constexpr int bias = grid1_unit, most = 2 * grid1_unit;
    static constexpr float factor = 1.0f / grid1_unit;
    static QUANT_INLINE __m256i words(const std::byte *unit, size_t run, size_t h) {
        return eight_words(unit + layout.high_at() + run * 32 + h * 16);
    }
    static QUANT_INLINE void points(const std::byte *unit, const std::byte *run, size_t number, size_t half,
                                    __m256i (&out)[2]) {
        const __m256i high = words(unit, number, half % 2);
        points_of<-bias>(bytes_2048x8,
                         with_high(eight_bytes(run + half * 8), high, 8 - static_cast<int>(half / 2) * 3, 0x700), out);
    }
    static QUANT_INLINE __m256 scale(const std::byte *unit, const std::byte *, size_t run, size_t, size_t h) {
        return odd_scale(words(unit, run, h), 12, 3);
    }
    /// All columns are shifted by an eighth, one way in a row.
    static QUANT_INLINE __m256i shifted(const std::byte *unit, size_t run, size_t h, __m256i dots, int32_t sum) {
        // The top bit of a word, in the sign of its lane: down.
        const __m256i way = _mm256_or_si256(_mm256_slli_epi32(words(unit, run, h), 16), _mm256_set1_epi32(1));
        return _mm256_add_epi32(dots, _mm256_sign_epi32(_mm256_set1_epi32(sum), way));
    }
};

template <> struct GridTraits<QUANT_IQ1_M> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ1_M);
    /// Points stand an eighth too high, so that shifts are up by two or none.
    static constexpr int bias = grid1_unit + 1, most = 2 * grid1_unit + 2;
    static constexpr float factor = 1.0f / grid1_unit;
    static QUANT_INLINE void points(const std::byte *unit, const std::byte *run, size_t number, size_t half,
                                    __m256i (&out)[2]) {
        const std::byte *at = unit + layout.high_at() + number / 2 * 64 + half % 2 * 32;
        const __m256i high = _mm256_srl_epi32(load32(at), _mm_cvtsi32_si128(static_cast<int>(number % 2 * 16)));
        const int cell = static_cast<int>(half / 2);
        points_of<-grid1_unit>(bytes_2048x8, with_high(eight_bytes(run + half * 8), high, 8 - cell * 4, 0x700), out);
        const __m256i bit = _mm256_set1_epi32(8 << (cell * 4));
        const __m256i up = _mm256_cmpeq_epi32(_mm256_and_si256(high, bit), _mm256_setzero_si256());
        const __m256i twos = _mm256_and_si256(up, every_byte(2));
        out[0] = _mm256_add_epi8(out[0], in_both_lanes(_mm256_castsi256_si128(twos)));
        out[1] = _mm256_add_epi8(out[1], in_both_lanes(_mm256_extracti128_si256(twos, 1)));
    }
    static QUANT_INLINE __m256i in_both_lanes(__m128i rows) {
        return _mm256_shuffle_epi32(_mm256_cvtepu32_epi64(rows), 0xa0);
    }
    static QUANT_INLINE __m256 scale(const std::byte *unit, const std::byte *, size_t run, size_t group, size_t h) {
        const __m256i words = eight_words(unit + layout.scales_at() + run / 2 * 32 + h * 16);
        const __m256i here = _mm256_srl_epi32(words, _mm_cvtsi32_si128(static_cast<int>(run % 2 * 6)));
        return group == 0 ? odd_scale(here, 0, 3) : odd_scale(here, 3, 3);
    }
    static QUANT_INLINE __m256 factors(const std::byte *unit, size_t h) {
        const std::byte *p = unit + layout.scales_at() + h * 16;
        const auto nibble = [&](size_t i) __attribute__((always_inline)) {
            return _mm_and_si128(x86::load16(p + i * 32), _mm_set1_epi16(static_cast<short>(0xf000)));
        };
        const __m128i low = _mm_or_si128(_mm_srli_epi16(nibble(0), 12), _mm_srli_epi16(nibble(1), 8));
        const __m128i high = _mm_or_si128(_mm_srli_epi16(nibble(2), 4), nibble(3));
        return _mm256_cvtph_ps(_mm_or_si128(low, high));
    }
};

} // namespace
} // namespace quant::kernel::avx2
