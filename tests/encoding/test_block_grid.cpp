// Blocks taken apart and put together: the same bytes, and the weights by the formula.
#include "encoding/block_grid.h"
#include "encoding/grid_cells.h"
#include "test_support.h"

#include <cmath>
#include <cstring>
#include <random>

using namespace quant;

TEST_CASE("unpacking and packing random bytes gives them back, and the formula gives the weights") {
    std::mt19937 random(7);
    for (const EncodingTraits &e : encodings()) {
        const GridLayout *layout = find_grid_layout(e.id);
        if (!layout) continue;
        INFO(e.name);
        REQUIRE(layout->block == e.block_weights);
        for (int round = 0; round < 200; round++) {
            std::vector<std::byte> in(e.block_bytes), out(e.block_bytes);
            for (std::byte &b : in) b = static_cast<std::byte>(random());
            BlockGrid grid;
            layout->unpack(in.data(), grid);
            if (!std::isfinite(grid.d) || !std::isfinite(grid.dmin)) continue; // A NaN's bits may change.
            layout->pack(grid, out.data());
            REQUIRE(std::memcmp(in.data(), out.data(), in.size()) == 0);
            std::vector<float> weights(e.block_weights);
            e.decode(in.data(), weights.data(), 1);
            for (size_t i = 0; i < weights.size(); i++) {
                const size_t g = i / layout->width();
                const float scale = grid.d * static_cast<float>(grid.scale[g]);
                const float minimum = grid.dmin * static_cast<float>(grid.minimum[g]);
                const float weight = scale * layout->level(grid.code[i]) - minimum;
                REQUIRE(std::fabs(weight - weights[i]) <= 1e-6f * (std::fabs(weights[i]) + std::fabs(minimum)));
                REQUIRE(grid.scale[g] >= layout->scale_low);
                REQUIRE(grid.scale[g] <= layout->scale_high);
                REQUIRE(grid.minimum[g] <= layout->minimum_high);
                REQUIRE(grid.code[i] <= layout->code_high);
            }
        }
    }
}

TEST_CASE("the nearest code is the nearest level's") {
    for (const quant_encoding id : {QUANT_Q4_0, QUANT_Q3_K, QUANT_Q4_K, QUANT_IQ4_NL, QUANT_Q8_0}) {
        const GridLayout &layout = *find_grid_layout(id);
        for (float v = -150; v < 150; v += 0.37f) {
            const float got = std::fabs(layout.level(layout.nearest(v)) - v);
            for (int code = 0; code <= layout.code_high; code++) REQUIRE(got <= std::fabs(layout.level(code) - v));
        }
    }
    REQUIRE(find_grid_layout(QUANT_F16) == nullptr);
}

TEST_CASE("cells of codebooks unpack and pack likewise") {
    std::mt19937 random(8);
    for (const EncodingTraits &e : encodings()) {
        const GridCellLayout *layout = find_grid_cells(e.id);
        if (!layout) continue;
        INFO(e.name);
        for (int round = 0; round < 100; round++) {
            std::vector<std::byte> in(e.block_bytes), out(e.block_bytes);
            for (std::byte &b : in) b = static_cast<std::byte>(random());
            GridCells cells;
            layout->unpack(in.data(), cells);
            if (!std::isfinite(cells.d)) continue;
            layout->pack(cells, out.data());
            REQUIRE(std::memcmp(in.data(), out.data(), in.size()) == 0);
            std::vector<float> weights(e.block_weights);
            e.decode(in.data(), weights.data(), 1);
            for (size_t i = 0; i < weights.size(); i++) {
                const uint32_t point = cells.point[i / 8][layout->dims == 8 ? 0 : i % 8 / 4];
                const float scale = cells.d * layout->multiple(cells.scale[i / layout->group]);
                const float level = layout->point(point)[i % layout->dims];
                const bool minus = cells.signs[i / 8] >> (layout->shift != 0 ? 0 : i % 8) & 1;
                const float signed_level = layout->shift != 0 ? level + (minus ? -layout->shift : layout->shift)
                                                              : (minus ? -level : level);
                const float weight = scale * signed_level;
                REQUIRE(std::fabs(weight - weights[i]) <= 1e-6f * std::fabs(weights[i]));
            }
        }
    }
    REQUIRE(find_grid_cells(QUANT_Q4_K) == nullptr);
    REQUIRE(find_grid_cells(QUANT_IQ1_S) != nullptr);
    REQUIRE(find_grid_cells(QUANT_IQ1_M) != nullptr);
}
