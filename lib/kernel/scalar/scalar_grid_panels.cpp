// What grid_panel_layout.h says in words, number by number.
#include "encoding/block_bytes.h"
#include "encoding/grid_bytes.h"
#include "kernel/scalar/scalar_kernels.h"
#include "kernel/scalar/scalar_panel_walk.h"

#include <bit>

namespace quant::kernel::scalar {

namespace {

constexpr size_t run_cells = 4, cell_columns = 8;

/// One row of a run of a unit.
struct GridRun {
    const GridPanelLayout &layout;
    const std::byte *unit, *run;
    size_t number, row;

    unsigned byte(const std::byte *p) const { return std::to_integer<unsigned>(*p); }
    /// Of a half's eight rows this one's.
    uint32_t high_dword(size_t runs_together) const {
        const std::byte *p = unit + layout.high_at() + number / runs_together * 64 + row * 4;
        return load_u32(p) >> (number % runs_together * (32 / runs_together));
    }
    uint16_t high_word() const { return load_u16(unit + layout.high_at() + number * 32 + row * 2); }
    uint16_t word_of_xs(size_t cell) const { return load_u16(run + row / 8 * 64 + cell * 16 + row % 8 * 2); }
    /// Signs stand behind the low codes.
    const std::byte *signs() const {
        return run + (layout.encoding == QUANT_IQ3_XXS || layout.encoding == QUANT_IQ3_S ? 128 : 64);
    }

    /// The point of eight columns, or of four: then `half` says which.
    const uint8_t *point(size_t cell, size_t half) const {
        const unsigned low = byte(run + cell * 16 + row), low_of_half = byte(run + cell * 32 + row * 2 + half);
        switch (layout.encoding) {
        case QUANT_IQ2_XXS:
            return bytes_256x8.point[low] + 4 * half;
        case QUANT_IQ2_XS:
            return bytes_512x8.point[word_of_xs(cell) & 511] + 4 * half;
        case QUANT_IQ2_S:
            return bytes_1024x8.point[low | (high_dword(4) >> (2 * cell) & 3) << 8] + 4 * half;
        case QUANT_IQ3_XXS:
            return bytes_256x4.point[low_of_half];
        case QUANT_IQ3_S: {
            const unsigned bits = load_u16(unit + layout.high_at() + (number * 8 + cell * 2 + row / 8) * 2);
            return bytes_512x4.point[low_of_half | (bits >> (row % 8 * 2 + half) & 1) << 8];
        }
        case QUANT_IQ1_S:
            return bytes_2048x8.point[low | static_cast<unsigned>(high_word() >> (3 * cell) & 7) << 8] + 4 * half;
        default:
            return bytes_2048x8.point[low | (high_dword(2) >> (4 * cell) & 7) << 8] + 4 * half;
        }
    }
    /// A bit for each column of a cell that is negative.
    unsigned minus(size_t cell) const {
        const auto even = [](unsigned seven) { return seven | (static_cast<unsigned>(std::popcount(seven)) & 1) << 7; };
        switch (layout.encoding) {
        case QUANT_IQ2_XXS:
        case QUANT_IQ3_XXS:
            return even(byte(signs() + cell * 16 + row) & 127);
        case QUANT_IQ2_XS:
            return even(word_of_xs(cell) >> 9);
        case QUANT_IQ2_S:
        case QUANT_IQ3_S:
            return byte(signs() + cell * 16 + row);
        default:
            return 0;
        }
    }
    /// What IQ1 adds to a cell's coordinates.
    int shift(size_t cell) const {
        if (layout.encoding == QUANT_IQ1_S) return high_word() >> 15 ? -1 : 1;
        if (layout.encoding == QUANT_IQ1_M) return high_dword(2) >> (4 * cell + 3) & 1 ? -1 : 1;
        return 0;
    }
    int level(size_t cell, size_t column) const {
        const int coordinate = point(cell, column / 4)[column % 4] - grid_bias;
        return (minus(cell) >> column & 1 ? -coordinate : coordinate) + shift(cell);
    }

    /// Of a group of the run; odd, so that a half of the whole number below it and one are meant.
    unsigned scale_code(size_t group) const {
        const std::byte *scales = unit + layout.scales_at();
        switch (layout.encoding) {
        case QUANT_IQ2_XXS:
        case QUANT_IQ3_XXS: { // The top bits of four bytes of signs.
            unsigned code = 0;
            for (size_t i = 0; i < 4; i++) code |= byte(signs() + row * 4 + i) >> 7 << i;
            return code;
        }
        case QUANT_IQ2_XS:
        case QUANT_IQ2_S:
            return byte(scales + number * panel_rows + row) >> (4 * group) & 15;
        case QUANT_IQ3_S:
            return byte(scales + number / 2 * panel_rows + row) >> (number % 2 * 4) & 15;
        case QUANT_IQ1_S:
            return static_cast<unsigned>(high_word() >> 12 & 7);
        default:
            return static_cast<unsigned>(load_u16(scales + number / 2 * 32 + row * 2) >> (number % 2 * 6 + 3 * group) & 7);
        }
    }
};

/// d of a row of a unit.
float unit_scale(const GridPanelLayout &layout, const std::byte *head, const std::byte *unit, size_t row) {
    if (layout.head_bytes != 0) return load_f16(head + row * 2);
    unsigned bits = 0;
    for (size_t i = 0; i < 4; i++) bits |= static_cast<unsigned>(load_u16(unit + layout.scales_at() + i * 32 + row * 2) >> 12) << (4 * i);
    return f32_from_f16(static_cast<uint16_t>(bits));
}

float factor_of(quant_encoding encoding) {
    if (encoding == QUANT_IQ3_S) return 1;
    if (encoding == QUANT_IQ3_XXS) return 0.25f;
    return 0.125f; // Also the eighth that IQ1 counts.
}

/// Adds a group's columns of a run to `scaled`.
void add_group(const GridRun &run, size_t group, const UnitTokens &tokens, float &scaled) {
    const size_t cells = run.layout.group / cell_columns;
    int32_t sum = 0;
    for (size_t c = group * cells; c < (group + 1) * cells; c++)
        for (size_t i = 0; i < cell_columns; i++)
            sum += run.level(c, i) * tokens.number((run.number * run_cells + c) * cell_columns + i);
    scaled = fused(static_cast<float>(sum), static_cast<float>(2 * run.scale_code(group) + 1), scaled);
}

} // namespace

void panel_product(const GridPanelLayout &layout, const PanelProduct &a) {
    const PanelShape shape = shape_of(layout);
    const std::byte *units = a.panel + shape.head(a.columns);
    const auto add = [&](size_t index, size_t row, const UnitTokens &tokens, float &total) {
        const std::byte *unit = units + index * shape.unit_bytes;
        float scaled = 0;
        for (size_t r = 0; r < grid_runs; r++)
            for (size_t g = 0; g < run_cells * cell_columns / layout.group; g++)
                add_group({layout, unit, unit + r * layout.run_bytes, r, row}, g, tokens, scaled);
        total = fused(scaled, unit_scale(layout, a.panel + index * shape.head_bytes, unit, row), total);
    };
    walk_panel(a, shape, factor_of(layout.encoding), add);
}

} // namespace quant::kernel::scalar
