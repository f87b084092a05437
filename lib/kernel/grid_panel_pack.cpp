#include "kernel/grid_panel_layout.h"
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"

#include "encoding/block_bytes.h"
#include "encoding/encoding.h"
#include "encoding/grid_cells.h"

#include <algorithm>
#include <array>

namespace quant::kernel {

namespace {

constexpr size_t run_cells = 4, unit_cells = 32;

/// The numbers of a unit.
using Rows = std::array<GridCells, panel_rows>;

constexpr std::byte byte_of(uint32_t v) { return static_cast<std::byte>(v & 255); }

/// Calls put(cell, row, place) for the cells of a run, in the order of bytes.
template <class Put> void for_bytes(size_t run, const Put &put) {
    for (size_t c = 0; c < run_cells; c++)
        for (size_t r = 0; r < panel_rows; r++) put(run * run_cells + c, r, c * panel_rows + r);
}

void put_low_codes(const Rows &rows, size_t run, std::byte *out) {
    for_bytes(run, [&](size_t cell, size_t r, size_t at) { out[at] = byte_of(rows[r].point[cell][0]); });
}
void put_low_pairs(const Rows &rows, size_t run, std::byte *out) {
    for_bytes(run, [&](size_t cell, size_t r, size_t at) {
        for (size_t k = 0; k < 2; k++) out[2 * at + k] = byte_of(rows[r].point[cell][k]);
    });
}
void put_signs(const Rows &rows, size_t run, std::byte *out) {
    for_bytes(run, [&](size_t cell, size_t r, size_t at) { out[at] = byte_of(rows[r].signs[cell]); });
}
void put_signs_and_scales(const Rows &rows, size_t run, std::byte *out) {
    for_bytes(run, [&](size_t cell, size_t r, size_t at) {
        const auto scale = static_cast<uint32_t>(rows[at / 4].scale[run]);
        out[at] = byte_of((rows[r].signs[cell] & 127) | (scale >> (at % 4) & 1) << 7);
    });
}
// A point of 9 bits and seven signs.
void put_words(const Rows &rows, size_t run, std::byte *out) {
    for (size_t half = 0; half < 2; half++)
        for (size_t c = 0; c < run_cells; c++)
            for (size_t r = 0; r < 8; r++, out += 2) {
                const GridCells &of = rows[half * 8 + r];
                const size_t cell = run * run_cells + c;
                store_u16(out, static_cast<uint16_t>(of.point[cell][0] | (of.signs[cell] & 127) << 9));
            }
}

void put_run(quant_encoding encoding, const Rows &rows, size_t run, std::byte *out) {
    switch (encoding) {
    case QUANT_IQ1_S:
    case QUANT_IQ1_M:
        return put_low_codes(rows, run, out);
    case QUANT_IQ2_XXS:
        return put_low_codes(rows, run, out), put_signs_and_scales(rows, run, out + 64);
    case QUANT_IQ2_XS:
        return put_words(rows, run, out);
    case QUANT_IQ2_S:
        return put_low_codes(rows, run, out), put_signs(rows, run, out + 64);
    case QUANT_IQ3_XXS:
        return put_low_pairs(rows, run, out), put_signs_and_scales(rows, run, out + 128);
    default:
        return put_low_pairs(rows, run, out), put_signs(rows, run, out + 128);
    }
}

// `Bits` bits of each cell, `field(row, cell)`, in a dword for each row: of the first cells rows 0 to 7
// and 8 to 15, then of the next.
template <size_t Bits, class Field> void put_dwords(std::byte *out, const Field &field) {
    constexpr size_t together = 32 / Bits;
    for (size_t first = 0; first < unit_cells; first += together)
        for (size_t r = 0; r < panel_rows; r++, out += 4) {
            uint32_t word = 0;
            for (size_t k = 0; k < together; k++) word |= field(r, first + k) << (k * Bits);
            store_u32(out, word);
        }
}

void put_high_codes(quant_encoding encoding, const Rows &rows, std::byte *out) {
    const auto high = [&](size_t r, size_t cell) { return rows[r].point[cell][0] >> 8; };
    switch (encoding) {
    case QUANT_IQ1_S:
        for (size_t run = 0; run < grid_runs; run++)
            for (size_t r = 0; r < panel_rows; r++, out += 2) {
                uint32_t word = static_cast<uint32_t>(rows[r].scale[run]) << 12 | rows[r].signs[run * run_cells] << 15;
                for (size_t c = 0; c < run_cells; c++) word |= high(r, run * run_cells + c) << (3 * c);
                store_u16(out, static_cast<uint16_t>(word));
            }
        return;
    case QUANT_IQ1_M:
        return put_dwords<4>(out, [&](size_t r, size_t cell) { return high(r, cell) | rows[r].signs[cell] << 3; });
    case QUANT_IQ2_S:
        return put_dwords<2>(out, high);
    case QUANT_IQ3_S:
        for (size_t cell = 0; cell < unit_cells; cell++)
            for (size_t half = 0; half < 2; half++, out += 2) {
                uint32_t word = 0;
                for (size_t k = 0; k < 16; k++) word |= (rows[half * 8 + k / 2].point[cell][k % 2] >> 8) << k;
                store_u16(out, static_cast<uint16_t>(word));
            }
        return;
    default:
        return;
    }
}

// Nibbles of two groups in a byte for each row.
void put_nibble_scales(const Rows &rows, size_t groups, std::byte *out) {
    for (size_t g = 0; g < groups; g += 2)
        for (size_t r = 0; r < panel_rows; r++, out++)
            *out = byte_of(static_cast<uint32_t>(rows[r].scale[g] | rows[r].scale[g + 1] << 4));
}

void put_scales(quant_encoding encoding, const Rows &rows, std::byte *out) {
    switch (encoding) {
    case QUANT_IQ2_XS:
    case QUANT_IQ2_S:
        return put_nibble_scales(rows, 16, out);
    case QUANT_IQ3_S:
        return put_nibble_scales(rows, 8, out);
    case QUANT_IQ1_M:
        for (size_t i = 0; i < 4; i++)
            for (size_t r = 0; r < panel_rows; r++, out += 2) {
                uint32_t word = (uint32_t{f16_from_f32(rows[r].d)} >> (4 * i) & 15) << 12;
                for (size_t k = 0; k < 4; k++) word |= static_cast<uint32_t>(rows[r].scale[4 * i + k]) << (3 * k);
                store_u16(out, static_cast<uint16_t>(word));
            }
        return;
    default:
        return;
    }
}

} // namespace

void pack_grid_panel(const GridPanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                     std::byte *out) {
    const size_t block_bytes = encoding_traits(layout.encoding).block_bytes;
    const auto unpack = find_grid_cells(layout.encoding)->unpack;
    const PanelShape shape = shape_of(layout);
    std::byte *head = out;
    std::fill_n(head, shape.head(columns), std::byte{0});
    out += shape.head(columns);
    Rows unit{};
    for (size_t at = 0; at < columns; at += grid_columns, rows += block_bytes) {
        for (size_t r = 0; r < count; r++) unpack(rows + r * stride, unit[r]);
        for (size_t r = 0; layout.head_bytes != 0 && r < panel_rows; r++) store_f16(head + r * 2, unit[r].d);
        for (size_t run = 0; run < grid_runs; run++) put_run(layout.encoding, unit, run, out + run * layout.run_bytes);
        put_high_codes(layout.encoding, unit, out + layout.high_at());
        put_scales(layout.encoding, unit, out + layout.scales_at());
        head += layout.head_bytes, out += layout.unit_bytes();
    }
}

} // namespace quant::kernel
