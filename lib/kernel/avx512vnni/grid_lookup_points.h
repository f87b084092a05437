// Points of the codebook formats' panels (grid_panel_layout.h) on CPUs with VBMI. They are not gathered, at most
// two a cycle, but looked up 64 at a time in tables of bytes (GridPlanes), which say what level each coordinate
// has; with its sign beside it, a second look-up makes that a weight. Of 16 columns, half a run, the four bytes of
// a row's lane are columns 4 apart.
#pragma once

#include "kernel/avx512vnni/grid_panel_traits.h"

namespace quant::kernel::avx512vnni {
namespace {

constexpr __mmask64 odd_bytes = 0xaaaaaaaaaaaaaaaa;

/// Tables of where bytes come from.
struct ByteOrder {
    alignas(64) uint8_t from[64];
    QUANT_INLINE __m512i load() const { return _mm512_load_si512(from); }
};

/// Cells 0, 2, 1 and 3 of a row in its lane, from the `step`-th bytes: with row after row of each cell, or of
/// cells of rows 0 to 7 and then of the others.
constexpr ByteOrder cells_of_rows(size_t step, bool by_halves) {
    ByteOrder out{};
    constexpr size_t cell_at[] = {0, 2, 1, 3};
    for (size_t row = 0; row < panel_rows; ++row)
        for (size_t i = 0; i < run_cells; ++i) {
            const size_t cell = cell_at[i];
            const size_t at = by_halves ? row / half_rows * run_cells * half_rows + cell * half_rows + row % half_rows
                                        : cell * panel_rows + row;
            out.from[row * run_cells + i] = static_cast<uint8_t>(at * step);
        }
    return out;
}

/// Of 2 x 16 words the two of a row together.
constexpr ByteOrder words_of_rows() {
    ByteOrder out{};
    for (size_t row = 0; row < panel_rows; ++row)
        for (size_t i = 0; i < 2; ++i) out.from[(row * 2 + i) * 2] = static_cast<uint8_t>(i * panel_rows + row);
    return out;
}

constexpr ByteOrder byte_cells = cells_of_rows(1, false), word_cells = cells_of_rows(2, true),
                    word_pairs = words_of_rows();

/// In which of its blocks of 256 bytes a table is looked up: bits above the seven that VPERMI2B takes.
struct HighBits {
    __mmask64 eighth, ninth = 0, tenth = 0, eleventh = 0;
};

QUANT_INLINE __m512i look_up_256(const uint8_t *table, __m512i codes, const HighBits &high) {
    const __m512i lower = _mm512_permutex2var_epi8(_mm512_load_si512(table), codes, _mm512_load_si512(table + 64));
    const __m512i upper =
        _mm512_permutex2var_epi8(_mm512_load_si512(table + 128), codes, _mm512_load_si512(table + 192));
    return _mm512_mask_blend_epi8(high.eighth, lower, upper);
}

template <size_t Points> QUANT_INLINE __m512i look_up(const uint8_t *table, __m512i codes, const HighBits &high) {
    if constexpr (Points == 256) return look_up_256(table, codes, high);
    constexpr size_t half = Points / 2;
    const __m512i lower = look_up<half>(table, codes, high), upper = look_up<half>(table + half, codes, high);
    return _mm512_mask_blend_epi8(Points == 512    ? high.ninth
                                  : Points == 1024 ? high.tenth
                                                   : high.eleventh,
                                  lower, upper);
}

/// What six bits of a byte say, which are all that VPERMB looks at: `Bits` from bit `Level` on which level a
/// coordinate has; bit `Flag` whether it is negative or, in IQ1_M, whether its shift is down, as two less where
/// points stand an eighth too high; the others nothing. With the bias.
enum class FlagMeans { negative, two_less };
template <const auto &Levels, int Bits, int Level, int Flag, FlagMeans Means> struct SixBits {
    alignas(64) uint8_t of[64] = {};
    constexpr SixBits() {
        for (int n = 0; n < 64; ++n) {
            const auto level = static_cast<size_t>(n >> Level & ((1 << Bits) - 1));
            if (level >= sizeof Levels / sizeof Levels[0]) continue;
            const bool flag = (n >> Flag & 1) != 0;
            const int value =
                Means == FlagMeans::negative ? (flag ? -Levels[level] : Levels[level]) : Levels[level] + (flag ? 0 : 2);
            of[n] = static_cast<uint8_t>(grid_bias + value);
        }
    }
};
template <const auto &Levels, int Bits, int Level, int Flag, FlagMeans Means>
constexpr SixBits<Levels, Bits, Level, Flag, Means> six_bits{};

template <const auto &Levels, int Bits, int Level, int Flag, FlagMeans Means = FlagMeans::negative>
QUANT_INLINE __m512i weights_of(__m512i v) {
    return _mm512_permutexvar_epi8(v, _mm512_load_si512(six_bits<Levels, Bits, Level, Flag, Means>.of));
}

/// Bits of `a` where the mask has them, and else of `b`.
QUANT_INLINE __m512i selected(__m512i mask, __m512i a, __m512i b) {
    return _mm512_ternarylogic_epi32(mask, a, b, 0xca);
}
/// Those of the mask of `b` besides.
QUANT_INLINE __m512i with_bits(__m512i a, __m512i b, int mask) {
    return _mm512_ternarylogic_epi32(a, b, every_byte(mask), 0xf8);
}

/// Of a half of a run, 16 columns of 16 rows: four registers of lanes of four columns.
struct HalfWeights {
    __m512i of[4];
};

/// From cells 0, 2, 1, 3 of each lane, first and second byte of each: cells 0 and 1, or 2 and 3, both bytes.
QUANT_INLINE void pair_cells(__m512i first, __m512i second, __m512i (&out)[2]) {
    out[0] = _mm512_mask_blend_epi8(odd_bytes, first, shifted_up(second, 8));
    out[1] = _mm512_mask_blend_epi8(odd_bytes, shifted_down(first, 8), second);
}

/// Signs of a run's cells, in the order of cells_of_rows(): in the low nibbles of bytes those of the first four
/// columns and those of the last of both cells of each half.
struct RunSigns {
    __m512i half[2];
    QUANT_INLINE explicit RunSigns(__m512i cells) { pair_cells(cells, shifted_down(cells, 4), half); }
};

/// Points of eight coordinates: both bytes of two cells, of each half.
template <size_t Points>
QUANT_INLINE void look_up_pairs(const GridPlanes<Points> &book, __m512i codes, const HighBits &high,
                                __m512i (&out)[2]) {
    pair_cells(look_up<Points>(book.plane[0], codes, high), look_up<Points>(book.plane[1], codes, high), out);
}

/// Points of eight coordinates, two bits each. With two signs above two of these, six bits say it all.
template <size_t Points>
QUANT_INLINE void weights_of_eight(const GridPlanes<Points> &book, __m512i codes, const HighBits &high,
                                   const RunSigns &signs, HalfWeights (&out)[2]) {
    __m512i pairs[2];
    look_up_pairs(book, codes, high, pairs);
    const __m512i nibble = every_byte(15);
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
        const __m512i low = selected(nibble, pairs[h], shifted_up(signs.half[h], 4));
        const __m512i top = selected(nibble, shifted_down(pairs[h], 4), shifted_up(signs.half[h], 2));
        out[h] = {{weights_of<grid2_levels, 2, 0, 4>(low), weights_of<grid2_levels, 2, 2, 5>(low),
                   weights_of<grid2_levels, 2, 0, 4>(top), weights_of<grid2_levels, 2, 2, 5>(top)}};
    }
}

constexpr int no_flag = 6; ///< Above what VPERMB looks at.

/// Of IQ1_S: points of eight coordinates that have their signs.
QUANT_INLINE void weights_of_signed(__m512i codes, const HighBits &high, HalfWeights (&out)[2]) {
    __m512i pairs[2];
    look_up_pairs(planes_2048x8, codes, high, pairs);
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h)
        out[h] = {{weights_of<grid1_levels, 2, 0, no_flag>(pairs[h]), weights_of<grid1_levels, 2, 2, no_flag>(pairs[h]),
                   weights_of<grid1_levels, 2, 4, no_flag>(pairs[h]),
                   weights_of<grid1_levels, 2, 2, no_flag>(shifted_down(pairs[h], 4))}};
}

/// Of IQ1_M, where bit 3 of a cell's byte says which way it is shifted.
QUANT_INLINE void weights_of_shifted(__m512i codes, const HighBits &high, __m512i shifts, HalfWeights (&out)[2]) {
    __m512i pairs[2], flags[2];
    look_up_pairs(planes_2048x8, codes, high, pairs);
    pair_cells(shifts, shifts, flags);
    constexpr auto two_less = FlagMeans::two_less;
    const __m512i nibble = every_byte(15);
#pragma GCC unroll 2
    for (int h = 0; h < 2; ++h) {
        const __m512i flag = shifted_up(flags[h], 1);
        const __m512i low = selected(nibble, pairs[h], flag), top = selected(nibble, shifted_down(pairs[h], 4), flag);
        out[h] = {{weights_of<grid1_levels, 2, 0, 4, two_less>(low), weights_of<grid1_levels, 2, 2, 4, two_less>(low),
                   weights_of<grid1_levels, 2, 0, 4, two_less>(top), weights_of<grid1_levels, 2, 2, 4, two_less>(top)}};
    }
}

/// Points of four coordinates, in three of four bits each; the fourth becomes the sign.
template <const auto &Levels, size_t Points>
QUANT_INLINE HalfWeights weights_of_four(const GridPlanes<Points> &book, __m512i codes, const HighBits &high,
                                         __m512i signs) {
    const __m512i order = word_pairs.load();
    const __m512i first = _mm512_permutexvar_epi16(order, look_up<Points>(book.plane[0], codes, high));
    const __m512i second = _mm512_permutexvar_epi16(order, look_up<Points>(book.plane[1], codes, high));
    const __m512i a = with_bits(with_bits(first, shifted_up(signs, 3), 0x08), shifted_up(signs, 6), 0x80);
    const __m512i b = with_bits(with_bits(second, shifted_up(signs, 1), 0x08), shifted_up(signs, 4), 0x80);
    return {{weights_of<Levels, 3, 0, 3>(a), weights_of<Levels, 3, 0, 3>(shifted_down(a, 4)),
             weights_of<Levels, 3, 0, 3>(b), weights_of<Levels, 3, 0, 3>(shifted_down(b, 4))}};
}

QUANT_INLINE __m512i cells_in_lanes(const std::byte *bytes) {
    return _mm512_permutexvar_epi8(byte_cells.load(), load64(bytes));
}

/// From the bottom of a byte on, the bits of each cell: `step` bits a cell from bit `first` on of a dword for each
/// row, of cells 0, 2, 1 and 3.
QUANT_INLINE __m512i bits_of_cells(__m512i dwords, size_t first, uint64_t step) {
    const auto from = static_cast<long long>(0x2020202000000000 + step * 0x0301020003010200);
    const __m512i places = _mm512_add_epi8(_mm512_set1_epi64(from), every_byte(static_cast<int>(first)));
    return _mm512_multishift_epi64_epi8(places, dwords);
}
QUANT_INLINE __mmask64 bit_of(__m512i bytes, int bit) { return _mm512_test_epi8_mask(bytes, every_byte(1 << bit)); }

/// What differs from one encoding to the next: where the weights of run `number` of a unit come from.
template <quant_encoding Encoding> struct LookupTraits;

template <> struct LookupTraits<QUANT_IQ2_XXS> {
    static QUANT_INLINE void look(const std::byte *, const std::byte *run, size_t, HalfWeights (&out)[2]) {
        const __m512i codes = cells_in_lanes(run);
        const RunSigns signs(even_signs(cells_in_lanes(run + 64)));
        weights_of_eight(planes_256x8, codes, {_mm512_movepi8_mask(codes)}, signs, out);
    }
};

template <> struct LookupTraits<QUANT_IQ2_XS> {
    static QUANT_INLINE void look(const std::byte *, const std::byte *run, size_t, HalfWeights (&out)[2]) {
        const __m512i order = word_cells.load(), first = load64(run), second = load64(run + 64);
        const __m512i codes = _mm512_permutex2var_epi8(first, order, second);
        const __m512i above = _mm512_permutex2var_epi8(first, _mm512_or_si512(order, every_byte(1)), second);
        const HighBits high{_mm512_movepi8_mask(codes), bit_of(above, 0)};
        weights_of_eight(planes_512x8, codes, high, RunSigns(even_signs(shifted_down(above, 1))), out);
    }
};

template <> struct LookupTraits<QUANT_IQ2_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ2_S);
    static QUANT_INLINE void look(const std::byte *unit, const std::byte *run, size_t number, HalfWeights (&out)[2]) {
        const __m512i codes = cells_in_lanes(run);
        const __m512i above = bits_of_cells(load64(unit + layout.high_at() + number / 4 * 64), number % 4 * 8, 2);
        const HighBits high{_mm512_movepi8_mask(codes), bit_of(above, 0), bit_of(above, 1)};
        weights_of_eight(planes_1024x8, codes, high, RunSigns(cells_in_lanes(run + 64)), out);
    }
};

template <> struct LookupTraits<QUANT_IQ3_XXS> {
    static QUANT_INLINE void look(const std::byte *, const std::byte *run, size_t, HalfWeights (&out)[2]) {
        const RunSigns signs(even_signs(cells_in_lanes(run + 128)));
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; ++h) {
            const __m512i codes = load64(run + h * 64);
            out[h] =
                weights_of_four<grid3_xxs_levels>(planes_256x4, codes, {_mm512_movepi8_mask(codes)}, signs.half[h]);
        }
    }
};

template <> struct LookupTraits<QUANT_IQ3_S> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ3_S);
    static QUANT_INLINE void look(const std::byte *unit, const std::byte *run, size_t number, HalfWeights (&out)[2]) {
        const RunSigns signs(cells_in_lanes(run + 128));
#pragma GCC unroll 2
        for (size_t h = 0; h < 2; ++h) {
            const __m512i codes = load64(run + h * 64);
            __mmask64 ninth;
            __builtin_memcpy(&ninth, unit + layout.high_at() + (number * 2 + h) * 8, sizeof ninth);
            const HighBits high{_mm512_movepi8_mask(codes), ninth};
            out[h] = weights_of_four<grid3_s_levels>(planes_512x4, codes, high, signs.half[h]);
        }
    }
};

template <> struct LookupTraits<QUANT_IQ1_S> {
    static QUANT_INLINE void look(const std::byte *unit, const std::byte *run, size_t number, HalfWeights (&out)[2]) {
        const __m512i codes = cells_in_lanes(run);
        const __m512i above = bits_of_cells(GridTraits<QUANT_IQ1_S>::words(unit, number), 0, 3);
        weights_of_signed(codes, {_mm512_movepi8_mask(codes), bit_of(above, 0), bit_of(above, 1), bit_of(above, 2)},
                          out);
    }
};

template <> struct LookupTraits<QUANT_IQ1_M> {
    static constexpr GridPanelLayout layout = *find_grid_panel_layout(QUANT_IQ1_M);
    static QUANT_INLINE void look(const std::byte *unit, const std::byte *run, size_t number, HalfWeights (&out)[2]) {
        const __m512i codes = cells_in_lanes(run);
        const __m512i above = bits_of_cells(load64(unit + layout.high_at() + number / 2 * 64), number % 2 * 16, 4);
        const HighBits high{_mm512_movepi8_mask(codes), bit_of(above, 0), bit_of(above, 1), bit_of(above, 2)};
        weights_of_shifted(codes, high, above, out);
    }
};

} // namespace
} // namespace quant::kernel::avx512vnni
