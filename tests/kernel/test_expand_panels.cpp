// Products of many tokens with matrices that have panels: what is expanded from a panel is, bit for bit, what
// the rows of the file become.
#include "kernel/panel_pack.h"
#include "kernel/panel_shape.h"
#include "kernel_test_support.h"

using namespace quant;
using namespace quant::kernel;
using test::Guarded, test::multiply_as_bytes, test::paneled, test::Random;

namespace {

/// Columns that are expanded at a time.
constexpr size_t stretch = 768;

/// A panel's columns as products of bytes take them.
struct Expanded {
    std::vector<uint8_t> codes;
    std::vector<float> scales, offsets;
    bool has_offsets = false;

    Expanded(size_t columns, size_t group)
        : codes(columns * int8_lanes), scales(columns / group * int8_lanes), offsets(scales.size()) {}
};

/// `bytes` of up to 16 rows, one after the other.
Expanded expand_rows(const KernelTable &table, const EncodingTraits &e, const std::vector<std::byte> &bytes,
                     size_t rows, size_t columns) {
    const EncodingKernels &kernels = table.of(e);
    const size_t groups = columns / kernels.expand_group, blocks = columns / e.block_weights;
    Expanded out(columns, kernels.expand_group);
    std::vector<uint8_t> codes(int8_lanes * columns);
    std::vector<float> scales(groups), offsets(groups);
    for (size_t r = 0; r < rows; r++) {
        kernels.expand(bytes.data() + r * blocks * e.block_bytes, blocks, codes.data() + r * columns, scales.data(),
                       offsets.data());
        for (size_t g = 0; g < groups; g++) {
            out.scales[g * int8_lanes + r] = scales[g], out.offsets[g * int8_lanes + r] = offsets[g];
            out.has_offsets |= offsets[g] != 0;
        }
    }
    table.int8.interleave(codes.data(), columns, columns, out.codes.data());
    return out;
}

Expanded expand_panel(const KernelTable &table, const EncodingTraits &e, const std::byte *panel, size_t columns) {
    const EncodingKernels &kernels = table.of(e);
    Expanded out(columns, kernels.expand_group);
    for (size_t at = 0; at < columns; at += stretch) {
        const size_t n = std::min(stretch, columns - at), floats = n / kernels.expand_group * int8_lanes;
        Guarded<uint8_t> codes(n * int8_lanes);
        Guarded<float> scales(floats), offsets(floats);
        out.has_offsets |= kernels.expand_panel(panel, at, n, codes.data(), scales.data(), offsets.data());
        const size_t float_at = at / kernels.expand_group * int8_lanes;
        std::copy_n(codes.data(), n * int8_lanes, out.codes.begin() + static_cast<ptrdiff_t>(at * int8_lanes));
        std::copy_n(scales.data(), floats, out.scales.begin() + static_cast<ptrdiff_t>(float_at));
        std::copy_n(offsets.data(), floats, out.offsets.begin() + static_cast<ptrdiff_t>(float_at));
    }
    return out;
}

/// In lanes of rows that are there, the same bits; in the others zeros as scales, whatever their codes.
void require_same(const Expanded &got, const Expanded &expected, size_t rows, bool offsets) {
    REQUIRE(got.has_offsets == expected.has_offsets);
    for (size_t i = 0; i < expected.codes.size(); i++)
        if (i / 4 % int8_lanes < rows && got.codes[i] != expected.codes[i]) FAIL("code " << i);
    const auto same = [&](const std::vector<float> &a, const std::vector<float> &b, size_t i) {
        return i % int8_lanes < rows ? std::memcmp(&a[i], &b[i], sizeof(float)) == 0 : a[i] == 0;
    };
    for (size_t i = 0; i < expected.scales.size(); i++) {
        if (!same(got.scales, expected.scales, i)) FAIL("scale " << i << " is " << got.scales[i]);
        if (offsets && !same(got.offsets, expected.offsets, i)) FAIL("offset " << i << " is " << got.offsets[i]);
    }
}

} // namespace

TEST_CASE("panels expand to the bytes, scales and offsets that rows of the file expand to") {
    Random random(60);
    for (const KernelTable *table : test::readable_tables())
        for (const PanelLayout &layout : panel_layouts) {
            const EncodingTraits &e = encoding_traits(layout.encoding);
            if (!table->of(e).expand_panel) continue;
            for (const size_t rows : {1, 7, 15, 16})
                for (const size_t units : {1, 2, 3, 4, 13, 17})
                    for (const bool any_bytes : {false, true}) {
                        const size_t columns = units * layout.unit_columns(), blocks = columns / e.block_weights;
                        INFO(table->tier << " " << e.name << " rows " << rows << " columns " << columns << " seed "
                                         << test::run_seed());
                        auto bytes = test::normal_blocks(e, rows * blocks, random);
                        if (any_bytes) // Also scales that are no numbers.
                            for (std::byte &b : bytes) b = random.byte();
                        Guarded<std::byte> panel(shape_of(layout).bytes(columns));
                        pack_panel(e.id, bytes.data(), blocks * e.block_bytes, rows, columns, panel.data());
                        require_same(expand_panel(*table, e, panel.data(), columns),
                                     expand_rows(*table, e, bytes, rows, columns), rows, layout.minimum);
                    }
        }
}

TEST_CASE("products with bytes are the same bit for bit with panels and without") {
    if (test::forced_tier_is_missing() || !test::are_made(active_table())) return;
    Random random(61);
    for (const char *machine : {"numanode:1 core:3 pu:1", "numanode:2 core:2 pu:1"})
        for (const NumaPolicy policy : {NumaPolicy::shard, NumaPolicy::mirror}) {
            WorkerPool pool(lay_out_workers(synthetic_topology(machine), {policy, 0}, 0));
            for (const PanelLayout &layout : panel_layouts) {
                const EncodingTraits &e = encoding_traits(layout.encoding);
                const size_t rows = 1 + random.below(150), tokens = 2 + random.below(12);
                const size_t columns = layout.unit_columns() * (1 + random.below(2600 / layout.unit_columns()));
                INFO(e.name << " rows " << rows << " tokens " << tokens << " columns " << columns << " seed "
                            << test::run_seed());
                const auto bytes = test::normal_blocks(e, rows * columns / e.block_weights, random);
                const auto matrix = PackedMatrix::pack(e, rows, columns, bytes, nullptr);
                if (matrix.panel_bytes() == 0) continue;
                const PackedMatrix with_panels = paneled(matrix, pool);
                const auto x = random.normals(tokens * columns);
                for (const KernelTable *table : test::tiers()) {
                    INFO(table->tier);
                    if (!table->of(e).expand_panel) continue;
                    const auto got = multiply_as_bytes(*table, with_panels, x, tokens, pool);
                    const auto expected = multiply_as_bytes(*table, matrix, x, tokens, pool);
                    REQUIRE(std::memcmp(got.data(), expected.data(), got.size() * sizeof(float)) == 0);
                }
            }
        }
}

TEST_CASE("where there are panels, products with bytes read these and not the file", "[forced]") {
    if (test::forced_tier_is_missing() || !test::are_made(active_table())) return;
    Random random(62);
    WorkerPool pool(2);
    constexpr size_t rows = 40, columns = 1024, tokens = 3;
    for (const PanelLayout &layout : panel_layouts) {
        const EncodingTraits &e = encoding_traits(layout.encoding);
        if (!active_table().of(e).expand_panel) continue;
        INFO(e.name);
        const auto bytes = test::normal_blocks(e, rows * columns / e.block_weights, random);
        const auto matrix = PackedMatrix::pack(e, rows, columns, bytes, nullptr);
        const std::vector<std::byte> zeros(matrix.panel_bytes());
        const auto x = random.normals(tokens * columns);
        const PackedMatrix of_zeros = matrix.with_ready_panels(zeros, nullptr);
        for (const float y : multiply_as_bytes(active_table(), of_zeros, x, tokens, pool)) REQUIRE(y == 0);
    }
}
