// Rows into panels at about the rate of memory. Of each row of a unit the codes become what lines have of the row, words
// of 32 bits, without being taken apart one by one; then words and scales are turned from rows to columns,
// 16 bytes at a time. Loops are of fixed length, which the compiler makes vectors of; turning is written with
// vectors that every CPU has.
//
// Where blocks have their codes and scales is told at the top of legacy_blocks.cpp, k_affine_blocks.cpp,
// k_scaled_blocks.cpp and table16_blocks.cpp.
#include "kernel/panel_pack.h"

#include "encoding/block_bytes.h"
#include "encoding/block_grid.h"
#include "encoding/cpu_clones.h"
#include "encoding/encoding.h"

#include <array>
#include <cstring>

namespace quant::kernel {

namespace {

constexpr size_t most_unit_bytes = 256; ///< Of a row.

using Rows = std::array<const std::byte *, panel_rows>;

uint8_t byte_at(const std::byte *p) { return std::to_integer<uint8_t>(*p); }
uint64_t load_u64(const std::byte *p) {
    uint64_t v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

// Bits of a row's codes as words, four columns side by side in each: what a line has of the row. A word
// of `n` bits a code has 32 / n columns, the first four in the lowest bits of its bytes.

// Four bits. Two codes a byte, columns i and i + Run / 2 of a run.
template <size_t Run> void nibble_words(const std::byte *in, size_t columns, uint32_t *words) {
    constexpr size_t half = Run / 16;
    constexpr uint64_t mask = 0x0f0f0f0f0f0f0f0f;
    for (; columns != 0; columns -= Run, in += Run / 2, words += 2 * half)
        for (size_t i = 0; i < half; i++) {
            const uint64_t both = load_u64(in + 8 * i), first = both & mask, second = both >> 4 & mask;
            words[i] = static_cast<uint32_t>(first | first >> 28);
            words[half + i] = static_cast<uint32_t>(second | second >> 28);
        }
}

// Two bits, of 256 columns: of each of 32 bytes, four times over for each 128.
void pair_words(const std::byte *in, uint32_t *words) {
    for (size_t half = 0; half < 2; half++, in += 32, words += 8) {
        std::array<uint32_t, 8> out{};
        for (size_t j = 0; j < 4; j++) {
            const uint64_t both = load_u32(in + j * 4) | uint64_t{load_u32(in + 16 + j * 4)} << 32;
            std::array<uint64_t, 4> pairs;
            for (size_t k = 0; k < 4; k++) pairs[k] = (both >> (2 * k) & 0x0303030303030303) << (2 * j);
            std::array<uint32_t, 8> these;
            std::memcpy(these.data(), pairs.data(), sizeof these);
            for (size_t n = 0; n < 8; n++) out[n] |= these[n];
        }
        std::memcpy(words, out.data(), sizeof out);
    }
}

// One bit, of 256 columns: of each of 32 bytes, eight times over.
void bit_words(const std::byte *in, uint32_t *words) {
    std::array<uint32_t, 8> out{};
    for (size_t j = 0; j < 8; j++) {
        const uint32_t bytes = load_u32(in + j * 4);
        for (size_t k = 0; k < 8; k++) out[k] |= (bytes >> k & 0x01010101) << j;
    }
    std::memcpy(words, out.data(), sizeof out);
}

// One bit, of 32 columns, which the file has in a word. The product puts a nibble's bits where
// the lowest ones of four bytes are.
uint32_t fifth_bits_word(uint32_t bits) {
    uint32_t word = 0;
    for (size_t k = 0; k < 8; k++) word |= ((bits >> (4 * k) & 15) * 0x00204081 & 0x01010101) << k;
    return word;
}

// A dense stream of codes, of which a word has some bits: `Bits` of them from bit `From` on.
template <int Stream, int Bits, int From> void dense_words(const std::byte *in, size_t columns, uint32_t *words) {
    constexpr size_t together = 8 / Bits;
    constexpr uint64_t mask = uint64_t{0x0101010101010101} * ((1u << Bits) - 1);
    for (size_t at = 0; at < columns; words++)
        for (size_t j = 0; j < together; j += 2, at += 8, in += Stream) {
            uint64_t stream = 0, codes = 0;
            std::memcpy(&stream, in, Stream);
            for (size_t k = 0; k < 8; k++) codes |= (stream >> (k * Stream) & ((1u << Stream) - 1)) << (8 * k);
            codes = codes >> From & mask;
            const auto first = static_cast<uint32_t>(codes), second = static_cast<uint32_t>(codes >> 32);
            if (j == 0) words[0] = 0;
            if constexpr (together == 1) {
                words[0] = first, *++words = second;
            } else {
                words[0] |= first << (j * Bits) | second << ((j + 1) * Bits);
            }
        }
}

// Whether an encoding is one of groups with two numbers (encoding/group_blocks.h).
template <quant_encoding E> constexpr bool is_grouped = E >= QUANT_INT2_G32 && E <= QUANT_AFFINE8_G128;

// A block's low bits.
template <quant_encoding E> void low_words(const std::byte *in, uint32_t *words) {
    constexpr PanelLayout layout = *find_panel_layout(E);
    if constexpr (is_grouped<E>) {
        dense_words<layout.low_bits + layout.high_bits, layout.low_bits, 0>(in + 4, layout.group, words);
    } else if constexpr (E == QUANT_Q4_0 || E == QUANT_IQ4_NL) {
        nibble_words<32>(in + 2, 32, words);
    } else if constexpr (E == QUANT_Q4_1) {
        nibble_words<32>(in + 4, 32, words);
    } else if constexpr (E == QUANT_Q5_0) {
        nibble_words<32>(in + 6, 32, words);
    } else if constexpr (E == QUANT_Q5_1) {
        nibble_words<32>(in + 8, 32, words);
    } else if constexpr (E == QUANT_Q8_0) { // Signed in the file.
        for (size_t i = 0; i < 8; i++) words[i] = load_u32(in + 2 + 4 * i) ^ 0x80808080;
    } else if constexpr (E == QUANT_Q2_K) {
        pair_words(in + 16, words);
    } else if constexpr (E == QUANT_Q3_K) {
        pair_words(in + 32, words);
    } else if constexpr (E == QUANT_Q4_K) {
        nibble_words<64>(in + 16, 256, words);
    } else if constexpr (E == QUANT_Q5_K) {
        nibble_words<64>(in + 48, 256, words);
    } else if constexpr (E == QUANT_Q6_K) {
        nibble_words<128>(in, 256, words);
    } else if constexpr (E == QUANT_IQ4_XS) {
        nibble_words<32>(in + 8, 256, words);
    }
}

template <quant_encoding E> void high_words(const std::byte *in, uint32_t *words) {
    constexpr PanelLayout layout = *find_panel_layout(E);
    if constexpr (is_grouped<E>) {
        dense_words<layout.low_bits + layout.high_bits, layout.high_bits, layout.low_bits>(in + 4, layout.group, words);
    } else if constexpr (E == QUANT_Q5_0) {
        *words = fifth_bits_word(load_u32(in + 2));
    } else if constexpr (E == QUANT_Q5_1) {
        *words = fifth_bits_word(load_u32(in + 4));
    } else if constexpr (E == QUANT_Q3_K) {
        bit_words(in, words);
    } else if constexpr (E == QUANT_Q5_K) {
        bit_words(in + 16, words);
    } else if constexpr (E == QUANT_Q6_K) {
        pair_words(in + 128, words);
    }
}

// A row's scale codes, then its minimum codes, as panels have them: up to 16 bytes. Where these are as the
// file's, they are copied.
template <quant_encoding E> void unpack_scales(const std::byte *in, uint8_t *out) {
    if constexpr (E == QUANT_Q2_K) {
        std::memcpy(out, in, 16);
    } else if constexpr (E == QUANT_Q3_K) {
        std::memcpy(out, in + 96, 12);
    } else if constexpr (E == QUANT_Q6_K) {
        std::memcpy(out, in + 192, 16);
    } else if constexpr (E == QUANT_Q4_K || E == QUANT_Q5_K) {
        // Twelve bytes: the lower four bits of the last four scales and minimums in the third word, their upper two
        // above the six of the first ones.
        const uint32_t a = load_u32(in + 4), b = load_u32(in + 8), c = load_u32(in + 12);
        const uint32_t words[4] = {a & 0x3f3f3f3f, (c & 0x0f0f0f0f) | (a >> 2 & 0x30303030), b & 0x3f3f3f3f,
                                   (c >> 4 & 0x0f0f0f0f) | (b >> 2 & 0x30303030)};
        std::memcpy(out, words, sizeof words);
    } else if constexpr (E == QUANT_IQ4_XS) {
        const unsigned high = load_u16(in + 2);
        for (size_t k = 0; k < 8; k++) {
            const unsigned low = byte_at(in + 4 + k / 2) >> (k % 2 * 4) & 15u;
            out[k] = static_cast<uint8_t>((low | (high >> (2 * k) & 3) << 4) - 32);
        }
    }
}

// As by way of a float, which makes NaNs quiet.
uint16_t quiet_half(uint16_t half) { return (half & 0x7fff) > 0x7c00 ? half | 0x200 : half; }

// Where a block has d and dmin; a legacy block's dmin is what is added, with its sign turned. A zero point is as dmin.
struct FactorPlaces {
    size_t d, dmin;
    bool turned;
};
constexpr FactorPlaces factor_places(quant_encoding e) {
    switch (e) {
    case QUANT_Q2_K:
        return {80, 82, false};
    case QUANT_Q3_K:
        return {108, 0, false};
    case QUANT_Q6_K:
        return {208, 0, false};
    case QUANT_Q4_1:
    case QUANT_Q5_1:
        return {0, 2, true};
    default:
        return {0, 2, e >= QUANT_AFFINE2_G32 && e <= QUANT_AFFINE8_G128};
    }
}

using Words = uint32_t __attribute__((vector_size(16)));

Words load_words(const void *p) {
    Words v;
    std::memcpy(&v, p, sizeof v);
    return v;
}

// Four words of each of four rows, `stride` words apart, become four rows of what were columns, a line apart.
void turn_words(const uint32_t *in, size_t stride, std::byte *out) {
    const Words a = load_words(in), b = load_words(in + stride), c = load_words(in + 2 * stride),
                d = load_words(in + 3 * stride);
    const Words ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5), ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
    const Words cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5), cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    const Words columns[4] = {
        __builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), __builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7),
        __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7)};
    for (size_t i = 0; i < 4; i++) std::memcpy(out + i * quad_bytes, &columns[i], sizeof columns[i]);
}

// Words of 16 rows become lines of 16 words.
template <size_t Count> void put_lines(const uint32_t (&rows)[panel_rows][Count], std::byte *out) {
    if constexpr (Count % 4 == 0) {
        for (size_t w = 0; w < Count; w += 4)
            for (size_t r = 0; r < panel_rows; r += 4) turn_words(&rows[r][w], Count, out + w * quad_bytes + r * 4);
    } else {
        for (size_t w = 0; w < Count; w++)
            for (size_t r = 0; r < panel_rows; r++) store_u32(out + w * quad_bytes + r * 4, rows[r][w]);
    }
}

using Bytes = uint8_t __attribute__((vector_size(16)));

// The bytes of 16 rows become `count` rows of what were columns. Each step interleaves row i with row i + 8, so that after
// four of them all 16 of a column follow one another.
void put_byte_columns(const uint8_t (&rows)[panel_rows][16], size_t count, std::byte *out) {
    std::array<Bytes, 16> from, to;
    std::memcpy(from.data(), rows, sizeof rows);
    for (int step = 0; step < 4; step++) {
        for (size_t i = 0; i < 8; i++) {
            to[2 * i] = __builtin_shufflevector(from[i], from[i + 8], 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
            to[2 * i + 1] = __builtin_shufflevector(from[i], from[i + 8], 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14,
                                                    30, 15, 31);
        }
        from = to;
    }
    std::memcpy(out, from.data(), count * panel_rows);
}

/// An encoding's numbers, known when this is compiled.
template <quant_encoding E> struct Of {
    static constexpr PanelLayout layout = *find_panel_layout(E);
    static constexpr size_t columns = layout.unit_columns();
    static constexpr size_t block = layout.super_blocks() ? 256 : layout.group, blocks = columns / block;
    static constexpr size_t scale_columns = (layout.d_at() - layout.scales_at()) / panel_rows;
    static constexpr size_t low_words = layout.low_bytes() / quad_bytes, high_words = layout.high_bytes() / quad_bytes;
};

// A unit; `block_bytes` from block to block.
template <quant_encoding E> void pack_unit(const Rows &rows, size_t block_bytes, std::byte *out) {
    using O = Of<E>;
    constexpr PanelLayout layout = O::layout;
    constexpr FactorPlaces places = factor_places(E);
    alignas(64) uint32_t low[panel_rows][O::low_words];
    alignas(64) uint32_t high[panel_rows][O::high_words == 0 ? 1 : O::high_words];
    alignas(64) uint8_t scales[panel_rows][16];
    for (size_t r = 0; r < panel_rows; r++) {
        for (size_t b = 0; b < O::blocks; b++) {
            const std::byte *in = rows[r] + b * block_bytes;
            low_words<E>(in, low[r] + b * O::low_words / O::blocks);
            if constexpr (O::high_words != 0) high_words<E>(in, high[r] + b * O::high_words / O::blocks);
            const size_t at = (b * panel_rows + r) * 2;
            store_u16(out + layout.d_at() + at, quiet_half(load_u16(in + places.d)));
            if constexpr (layout.minimum || layout.zero)
                store_u16(out + layout.dmin_at() + at,
                          quiet_half(static_cast<uint16_t>(load_u16(in + places.dmin) ^ (places.turned ? 0x8000 : 0))));
        }
        if constexpr (O::scale_columns != 0) unpack_scales<E>(rows[r], scales[r]);
    }
    put_lines(low, out);
    if constexpr (layout.high_bits != 0) put_lines(high, out + layout.high_at());
    if constexpr (O::scale_columns != 0) put_byte_columns(scales, O::scale_columns, out + layout.scales_at());
}

template <quant_encoding E>
QUANT_CPU_CLONES void pack_units(Rows rows, size_t count, size_t units, size_t block_bytes, std::byte *out) {
    const size_t in_bytes = Of<E>::blocks * block_bytes;
    for (; units != 0; units--, out += Of<E>::layout.unit_bytes()) {
        pack_unit<E>(rows, block_bytes, out);
        for (size_t r = 0; r < count; r++) rows[r] += in_bytes;
    }
}

} // namespace

void pack_plane_panel(const PanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                      std::byte *out) {
    const size_t block_bytes = encoding_traits(layout.encoding).block_bytes;
    // What stands for rows that are not there: blocks whose codes, scales and factors are zeros.
    std::array<std::byte, most_unit_bytes> zeros{};
    const GridLayout *grid = find_grid_layout(layout.encoding);
    for (size_t at = 0; grid && at < layout.unit_columns(); at += grid->block)
        grid->pack(BlockGrid{}, zeros.data() + at / grid->block * block_bytes);
    if (const FactorPlaces places = factor_places(layout.encoding); !grid && places.turned)
        for (size_t at = 0; at < layout.unit_columns(); at += layout.group)
            store_f16(zeros.data() + at / layout.group * block_bytes + places.dmin, -0.0f);
    Rows of;
    for (size_t r = 0; r < panel_rows; r++) of[r] = r < count ? rows + r * stride : zeros.data();
    const size_t units = columns / layout.unit_columns();
    switch (layout.encoding) {
#define QUANT_PACK(E)                                                                                          \
    case QUANT_##E:                                                                                            \
        return pack_units<QUANT_##E>(of, count, units, block_bytes, out);
        QUANT_PACK(Q4_0)
        QUANT_PACK(Q4_1)
        QUANT_PACK(Q5_0)
        QUANT_PACK(Q5_1)
        QUANT_PACK(Q8_0)
        QUANT_PACK(Q2_K)
        QUANT_PACK(Q3_K)
        QUANT_PACK(Q4_K)
        QUANT_PACK(Q5_K)
        QUANT_PACK(Q6_K)
        QUANT_PACK(IQ4_NL)
        QUANT_PACK(IQ4_XS)
#define GROUP(encoding, bits, group, bias) QUANT_PACK(encoding)
#include "kernel/group_panels.def"
#undef GROUP
#undef QUANT_PACK
    default:
        return;
    }
}

} // namespace quant::kernel
