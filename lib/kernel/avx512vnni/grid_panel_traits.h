// How the codebook formats' panels (grid_panel_layout.h) differ: where codes, signs and scales of
// eight rows come from. Indices have no more bits than the book has points, whatever the bytes.
#pragma once

#include "encoding/grid_bytes.h"
#include "kernel/avx512vnni/panel_run.h"

namespace quant::kernel::avx512vnni {
namespace {

constexpr size_t half_rows = 8, run_cells = 4;

// Into zeros: a gather keeps lanes of what its register held, and would wait for that.
template <size_t Points> QUANT_INLINE __m512i points_at(const GridBytes<Points, 8> &book, __m256i codes) {
    return _mm512_mask_i32gather_epi64(_mm512_setzero_si512(), 0xff, codes, book.point, 8);
}
template <size_t Points> QUANT_INLINE __m512i points_at(const GridBytes<Points, 4> &book, __m512i codes) {
    return _mm512_mask_i32gather_epi32(_mm512_setzero_si512(), 0xffff, codes, book.point, 4);
}

QUANT_INLINE __m256i eight_bytes(const std::byte *p) {
    return _mm256_cvtepu8_epi32(_mm_loadl_epi64(reinterpret_cast<const __m128i *>(p)));
}
QUANT_INLINE __m256i eight_words(const std::byte *p) { return _mm256_cvtepu16_epi32(x86::load16(p)); }
QUANT_INLINE __m256i eight_dwords(const std::byte *p) {
    return _mm256_loadu_si256(reinterpret_cast<const __m256i *>(p));
}

/// `low` and the bits of `high`, moved up by `up`, that stand in `mask`.
QUANT_INLINE __m256i with_high(__m256i low, __m256i high, int up, int mask) {
    const __m256i moved = up > 0 ? _mm256_slli_epi32(high, up) : up < 0 ? _mm256_srli_epi32(high, -up) : high;
    return _mm256_ternarylogic_epi32(low, moved, _mm256_set1_epi32(mask), 0xf8); // a | b & c
}

/// Twice a number of `bits` bits that begins at bit `from` of each lane, and one.
QUANT_INLINE __m512 odd_scale(__m512i v, int from, int bits) {
    const __m512i moved = from > 1 ? _mm512_srli_epi32(v, from - 1) : from == 1 ? v : _mm512_slli_epi32(v, 1);
    const __m512i two = _mm512_set1_epi32(((1 << bits) - 1) * 2);
    return _mm512_cvtepi32_ps(_mm512_ternarylogic_epi32(_mm512_set1_epi32(1), moved, two, 0xf8));
}

/// Each byte's top bit becomes the parity of the seven below it.
QUANT_INLINE __m512i even_signs(__m512i v) {
    const __m512i sevens = _mm512_and_si512(v, every_byte(127));
    // (a ^ b) & c
    const __m512i folded = _mm512_ternarylogic_epi32(sevens, shifted_down(sevens, 4), every_byte(15), 0x28);
    constexpr char odd = static_cast<char>(0x80);
    const __m128i parity = _mm_setr_epi8(0, odd, odd, 0, odd, 0, 0, odd, odd, 0, 0, odd, 0, odd, odd, 0);
    return _mm512_or_si512(sevens, _mm512_shuffle_epi8(_mm512_broadcast_i32x4(parity), folded));
}

/// Signs of the 8 halves of a run, which lie in memory, or are stored there. (Compilers take the
/// register apart instead of loading masks, and are right: gathers keep the loading ports busy.)
QUANT_INLINE const std::byte *kept(__m512i signs, std::byte (&buffer)[64]) {
    _mm512_store_si512(buffer, signs);
    return buffer;
}

/// What differs from one encoding to the next. Of a run: signs; of a half of a cell: points with
/// `bias` added; of a group: its scale, and what the group's sum of activations adds.
template <quant_encoding Encoding> struct GridTraits;

/// Scales in the top bits of the signs: a byte's top bit is 128, so a scale counts 128 and a half 64.
struct ScalesBesideSigns {
    static QUANT_INLINE __m512 scale_of(const std::byte *signs) {
        const __m512i top = _mm512_and_si512(load64(signs), every_byte(0x80));
        return _mm512_cvtepi32_ps(_mm512_dpbusd_epi32(_mm512_set1_epi32(64), top, _mm512_set1_epi32(0x08040201)));
    }
};

template <> struct GridTraits<QUANT_IQ2_XXS> : ScalesBesideSigns {
    static constexpr float factor = 0.25f / 128;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&buffer)[64]) {
        return kept(even_signs(load64(run + 64)), buffer);
    }
    static QUANT_INLINE __m512i points(const std::byte *, const std::byte *run, size_t, size_t half) {
        return points_at(bytes_256x8, eight_bytes(run + half * 8));
    }
    static QUANT_INLINE __m512 scale(const std::byte *, const std::byte *run, size_t, size_t) {
        return scale_of(run + 64);
    }
};

template <> struct GridTraits<QUANT_IQ3_XXS> : ScalesBesideSigns {
    static constexpr float factor = 0.5f / 128;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&buffer)[64]) {
        return kept(even_signs(load64(run + 128)), buffer);
    }
    static QUANT_INLINE __m512i points(const std::byte *, const std::byte *run, size_t, size_t half) {
        return points_at(bytes_256x4, _mm512_cvtepu8_epi32(x86::load16(run + half * 16)));
    }
    static QUANT_INLINE __m512 scale(const std::byte *, const std::byte *run, size_t, size_t) {
        return scale_of(run + 128);
    }
};

/// Nibbles of a byte for each row.
QUANT_INLINE __m512 nibble_scale(const std::byte *bytes, size_t which) {
    const __m512i v = _mm512_cvtepu8_epi32(x86::load16(bytes));
    return which == 0 ? odd_scale(v, 0, 4) : odd_scale(v, 4, 4);
}

template <> struct GridTraits<QUANT_IQ2_XS> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ2_XS);
    static constexpr float factor = 0.125f;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&buffer)[64]) {
        const __m512i first = _mm512_srli_epi16(load64(run), 9), second = _mm512_srli_epi16(load64(run + 64), 9);
        return kept(even_signs(_mm512_packus_epi16(first, second)), buffer);
    }
    static QUANT_INLINE __m512i points(const std::byte *, const std::byte *run, size_t, size_t half) {
        const __m256i words = eight_words(run + half % 2 * 64 + half / 2 * 16);
        return points_at(bytes_512x8, _mm256_and_si256(words, _mm256_set1_epi32(511)));
    }
    static QUANT_INLINE __m512 scale(const std::byte *unit, const std::byte *, size_t run, size_t group) {
        return nibble_scale(unit + layout.scales_at() + run * panel_rows, group);
    }
};

template <> struct GridTraits<QUANT_IQ2_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ2_S);
    static constexpr float factor = 0.125f;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&)[64]) { return run + 64; }
    static QUANT_INLINE __m512i points(const std::byte *unit, const std::byte *run, size_t number, size_t half) {
        // Runs 0 to 3 have their bits in the first dwords, 8 bits each.
        const std::byte *high = unit + layout.high_at() + number / 4 * 64 + half % 2 * 32;
        const __m256i here = _mm256_srl_epi32(eight_dwords(high), _mm_cvtsi32_si128(static_cast<int>(number % 4 * 8)));
        return points_at(bytes_1024x8,
                         with_high(eight_bytes(run + half * 8), here, 8 - static_cast<int>(half / 2) * 2, 0x300));
    }
    static QUANT_INLINE __m512 scale(const std::byte *unit, const std::byte *, size_t run, size_t group) {
        return nibble_scale(unit + layout.scales_at() + run * panel_rows, group);
    }
};

template <> struct GridTraits<QUANT_IQ3_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ3_S);
    static constexpr float factor = 1;
    static QUANT_INLINE const std::byte *signs(const std::byte *run, std::byte (&)[64]) { return run + 128; }
    static QUANT_INLINE __m512i points(const std::byte *unit, const std::byte *run, size_t number, size_t half) {
        const auto high = static_cast<__mmask16>(simd::read_u16(unit + layout.high_at() + (number * 8 + half) * 2));
        const __m512i low = _mm512_cvtepu8_epi32(x86::load16(run + half * 16));
        return points_at(bytes_512x4, _mm512_mask_or_epi32(low, high, low, _mm512_set1_epi32(256)));
    }
    static QUANT_INLINE __m512 scale(const std::byte *unit, const std::byte *, size_t run, size_t) {
        return nibble_scale(unit + layout.scales_at() + run / 2 * panel_rows, run % 2);
    }
};

template <> struct GridTraits<QUANT_IQ1_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ1_S);
    static constexpr float factor = 1.0f / grid1_unit;
    static QUANT_INLINE __m512i words(const std::byte *unit, size_t run) {
        return _mm512_cvtepu16_epi32(eight_dwords(unit + layout.high_at() + run * 32));
    }
    static QUANT_INLINE __m512i points(const std::byte *unit, const std::byte *run, size_t number, size_t half) {
        const __m256i high = eight_words(unit + layout.high_at() + number * 32 + half % 2 * 16);
        return points_at(bytes_2048x8,
                         with_high(eight_bytes(run + half * 8), high, 8 - static_cast<int>(half / 2) * 3, 0x700));
    }
    static QUANT_INLINE __m512 scale(const std::byte *unit, const std::byte *, size_t run, size_t) {
        return odd_scale(words(unit, run), 12, 3);
    }
    /// All columns are shifted by an eighth, one way in a row.
    static QUANT_INLINE __m512i shifted(const std::byte *unit, size_t run, __m512i dots, int32_t sum) {
        const __mmask16 down = _mm512_test_epi32_mask(words(unit, run), _mm512_set1_epi32(1 << 15));
        const __m512i up = _mm512_add_epi32(dots, _mm512_set1_epi32(sum));
        return _mm512_mask_sub_epi32(up, down, dots, _mm512_set1_epi32(sum));
    }
};

template <> struct GridTraits<QUANT_IQ1_M> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ1_M);
    static constexpr float factor = 1.0f / grid1_unit;
    /// Points stand an eighth too high, so that shifts are up by two or none.
    static constexpr int bias = grid_bias + 1;
    static QUANT_INLINE __m512i points(const std::byte *unit, const std::byte *run, size_t number, size_t half) {
        const std::byte *at = unit + layout.high_at() + number / 2 * 64 + half % 2 * 32;
        const __m256i high = _mm256_srl_epi32(eight_dwords(at), _mm_cvtsi32_si128(static_cast<int>(number % 2 * 16)));
        const int cell = static_cast<int>(half / 2);
        const __m512i points =
            points_at(bytes_2048x8, with_high(eight_bytes(run + half * 8), high, 8 - cell * 4, 0x700));
        const __mmask8 up = _mm256_testn_epi32_mask(high, _mm256_set1_epi32(8 << (cell * 4)));
        return _mm512_mask_add_epi64(points, up, points, _mm512_set1_epi64(0x0202020202020202));
    }
    static QUANT_INLINE __m512 scale(const std::byte *unit, const std::byte *, size_t run, size_t group) {
        const __m512i words = _mm512_cvtepu16_epi32(eight_dwords(unit + layout.scales_at() + run / 2 * 32));
        const __m512i here = _mm512_srl_epi32(words, _mm_cvtsi32_si128(static_cast<int>(run % 2 * 6)));
        return group == 0 ? odd_scale(here, 0, 3) : odd_scale(here, 3, 3);
    }
    static QUANT_INLINE __m512 factors(const std::byte *unit) {
        const std::byte *p = unit + layout.scales_at();
        const auto nibble = [&](size_t i) __attribute__((always_inline)) {
            return _mm256_and_si256(eight_dwords(p + i * 32), _mm256_set1_epi16(static_cast<short>(0xf000)));
        };
        const __m256i low = _mm256_or_si256(_mm256_srli_epi16(nibble(0), 12), _mm256_srli_epi16(nibble(1), 8));
        const __m256i high = _mm256_or_si256(_mm256_srli_epi16(nibble(2), 4), nibble(3));
        return _mm512_cvtph_ps(_mm256_or_si256(low, high));
    }
};

/// What points of the encoding stand too high by.
template <quant_encoding Encoding>
constexpr int bias_of = [] {
    if constexpr (requires { GridTraits<Encoding>::bias; })
        return GridTraits<Encoding>::bias;
    else
        return grid_bias;
}();

/// d of a unit's 16 rows.
template <quant_encoding Encoding> QUANT_INLINE __m512 unit_factors(const std::byte *head, const std::byte *unit) {
    if constexpr (find_grid_panel_layout(Encoding)->head_bytes != 0)
        return halves(head);
    else
        return GridTraits<Encoding>::factors(unit);
}

} // namespace
} // namespace quant::kernel::avx512vnni
