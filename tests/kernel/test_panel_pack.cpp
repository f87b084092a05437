// Panels of plane layouts, byte for byte as their definition: blocks taken apart one number at a time.
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"
#include "kernel/quad_planes.h"
#include "kernel_test_support.h"

#include "encoding/block_bytes.h"
#include "encoding/block_grid.h"
#include "encoding/group_blocks.h"

using namespace quant;
using namespace quant::kernel;
using test::Random;

namespace {

constexpr size_t most_columns = 256, most_groups = 16;

// The numbers of a unit, by rows as the file has them.
struct Unit {
    uint8_t codes[panel_rows][most_columns];
    int scale[most_groups][panel_rows], minimum[most_groups][panel_rows];
    float d[most_groups][panel_rows], dmin[most_groups][panel_rows]; ///< The first only, where blocks are super-blocks.
};

// Groups with two numbers, of which the second of AFFINE is added and that of INT a zero point.
void read_grouped_row(const GroupForm &form, size_t unit_columns, const std::byte *in, size_t block_bytes, size_t row,
                      Unit &unit) {
    for (size_t at = 0; at < unit_columns; at += form.group, in += block_bytes) {
        const size_t g = at / form.group;
        load_group(form, in, unit.d[g][row], unit.dmin[g][row], unit.codes[row] + at);
        if (form.bias) unit.dmin[g][row] = -unit.dmin[g][row];
    }
}

void read_row(const GridLayout &grid, size_t unit_columns, const std::byte *in, size_t block_bytes, size_t row,
              Unit &unit) {
    BlockGrid block;
    for (size_t at = 0; at < unit_columns; at += grid.block, in += block_bytes) {
        grid.unpack(in, block);
        std::memcpy(unit.codes[row] + at, block.code.data(), grid.block);
        const size_t first = at / grid.width();
        unit.d[first][row] = block.d, unit.dmin[first][row] = block.dmin;
        for (size_t g = 0; g < grid.groups; g++)
            unit.scale[first + g][row] = block.scale[g], unit.minimum[first + g][row] = block.minimum[g];
    }
}

constexpr std::byte byte_of(int v) { return static_cast<std::byte>(v & 255); }

void put_scales(const PanelLayout &layout, const Unit &unit, std::byte *out) {
    std::byte *scales = out + layout.scales_at();
    std::fill_n(scales, layout.scale_bytes(), std::byte{0});
    for (size_t g = 0; g < layout.groups(); g++)
        for (size_t r = 0; r < panel_rows; r++) {
            const int scale = unit.scale[g][r];
            switch (layout.scale_codes) {
            case ScaleCodes::none:
                break;
            case ScaleCodes::unsigned_bytes:
            case ScaleCodes::signed_bytes:
                scales[g * panel_rows + r] = byte_of(scale);
                break;
            case ScaleCodes::nibbles:
                scales[g * panel_rows + r] = byte_of(scale | unit.minimum[g][r] << 4);
                break;
            case ScaleCodes::six_bits:
                scales[g % 8 * panel_rows + r] |= byte_of(((scale + 32) & 15) << (g / 8 * 4));
                scales[(8 + g % 4) * panel_rows + r] |= byte_of((scale + 32) >> 4 << (g / 4 * 2));
                break;
            }
            if (layout.minimum_codes()) out[layout.minimums_at() + g * panel_rows + r] = byte_of(unit.minimum[g][r]);
        }
}

void put_factors(const PanelLayout &layout, const Unit &unit, std::byte *out) {
    const size_t count = layout.super_blocks() ? 1 : layout.groups();
    for (size_t g = 0; g < count; g++)
        for (size_t r = 0; r < panel_rows; r++) {
            store_f16(out + layout.d_at() + (g * panel_rows + r) * 2, unit.d[g][r]);
            if (layout.minimum || layout.zero) store_f16(out + layout.dmin_at() + (g * panel_rows + r) * 2, unit.dmin[g][r]);
        }
}

void define_plane_panel(const PanelLayout &layout, const std::byte *rows, size_t stride, size_t count, size_t columns,
                      std::byte *out) {
    const EncodingTraits &encoding = encoding_traits(layout.encoding);
    const GroupForm form = group_form(layout.encoding);
    const size_t unit_columns = layout.unit_columns(), quads = unit_columns / 4;
    const size_t in_bytes = unit_columns / encoding.block_weights * encoding.block_bytes;
    Unit unit{};
    alignas(64) uint8_t buffer[panel_rows * most_columns];
    for (size_t at = 0; at < columns; at += unit_columns, rows += in_bytes, out += layout.unit_bytes()) {
        for (size_t r = 0; r < count; r++) {
            if (form.bits != 0) read_grouped_row(form, unit_columns, rows + r * stride, encoding.block_bytes, r, unit);
            else read_row(*find_grid_layout(layout.encoding), unit_columns, rows + r * stride, encoding.block_bytes, r, unit);
        }
        make_quads(unit.codes[0], most_columns, unit_columns, buffer);
        put_bits(layout.low_bits, buffer, quads, 0, out);
        if (layout.high_bits != 0) put_bits(layout.high_bits, buffer, quads, layout.low_bits, out + layout.high_at());
        put_scales(layout, unit, out);
        put_factors(layout, unit, out);
    }
}

} // namespace

TEST_CASE("panels of any bytes are as their definition says, and nothing outside is touched") {
    Random random(31);
    for (const PanelLayout &layout : panel_layouts) {
        const EncodingTraits &e = encoding_traits(layout.encoding);
        INFO(e.name);
        for (const size_t count : {1, 7, 15, 16})
            for (const size_t units : {1, 2, 9}) {
                const size_t columns = units * layout.unit_columns(), stride = columns / e.block_weights * e.block_bytes;
                std::vector<std::byte> bytes(count * stride);
                for (std::byte &b : bytes) b = random.byte();
                test::Guarded<std::byte> rows(bytes);
                const size_t size = shape_of(layout).bytes(columns);
                std::vector<std::byte> expected(size);
                define_plane_panel(layout, rows.data(), stride, count, columns, expected.data());
                for (const bool at_start : {false, true}) {
                    test::Guarded<std::byte> out(std::vector<std::byte>(size), at_start);
                    pack_plane_panel(layout, rows.data(), stride, count, columns, out.data());
                    REQUIRE(std::memcmp(out.data(), expected.data(), size) == 0);
                }
            }
    }
}
