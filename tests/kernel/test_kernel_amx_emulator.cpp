// The emulator of AMX held to the manual's words, instruction by instruction: what the machine does,
// be it the emulator behind a signal or a CPU that has AMX, against the emulator's own arithmetic
// and against products spelled out here.
#include "amx_test_tier.h"
#include "kernel/amx/tiles.h"
#include "kernel_test_support.h"

#include <cstring>

using namespace quant;
using namespace quant::kernel::amx;
using test::AmxTiles;
using test::Random;

namespace {

using TileBytes = std::array<std::byte, tile_rows * tile_row_bytes>;

TileBytes random_tile(Random &random) {
    TileBytes out;
    for (std::byte &b : out) b = random.byte();
    return out;
}

/// Pairs of bfloat16 of which some are tiny, infinite or not a number.
TileBytes random_bf16(Random &random) {
    TileBytes out;
    for (size_t i = 0; i < out.size(); i += 2) {
        float x = random.normal();
        const size_t kind = random.below(40);
        if (kind < 4) x *= 1e-38f;
        uint32_t bits;
        std::memcpy(&bits, &x, 4);
        const auto half = static_cast<uint16_t>(bits >> 16);
        std::memcpy(&out[i], &half, 2);
    }
    return out;
}

TileShapes random_shapes(Random &random) {
    TileShapes out;
    const size_t m = 1 + random.below(16), n = 4 * (1 + random.below(16)), k = 1 + random.below(16);
    out.set(0, m, n), out.set(1, m, 4 * k), out.set(2, k, n);
    return out;
}

/// Of bytes, unsigned or signed on each side, and of bfloat16.
enum class Product { uu, us, su, ss, bf16 };

void multiply_on_machine(Product product) {
    switch (product) {
    case Product::uu: __asm__ volatile("tdpbuud %tmm2, %tmm1, %tmm0"); break;
    case Product::us: __asm__ volatile("tdpbusd %tmm2, %tmm1, %tmm0"); break;
    case Product::su: __asm__ volatile("tdpbsud %tmm2, %tmm1, %tmm0"); break;
    case Product::ss: __asm__ volatile("tdpbssd %tmm2, %tmm1, %tmm0"); break;
    case Product::bf16: __asm__ volatile("tdpbf16ps %tmm2, %tmm1, %tmm0"); break;
    }
}

void multiply_in_software(AmxTiles &tiles, Product product) {
    if (product == Product::bf16) return tiles.multiply_bf16(0, 1, 2);
    tiles.multiply_bytes(0, 1, 2, {product == Product::su || product == Product::ss,
                                   product == Product::us || product == Product::ss});
}

/// Sums of bytes as the manual says, of integers wide enough for all of them.
void check_bytes(const TileShapes &s, Product product, const TileBytes &before, const TileBytes &a, const TileBytes &b,
                 const TileBytes &after) {
    const auto value = [](std::byte x, bool is_signed) -> int64_t {
        return is_signed ? static_cast<int8_t>(x) : static_cast<uint8_t>(x);
    };
    for (size_t m = 0; m < s.rows[0]; m++)
        for (size_t n = 0; n < s.row_bytes[0] / 4u; n++) {
            int32_t first, found;
            std::memcpy(&first, &before[m * tile_row_bytes + 4 * n], 4);
            std::memcpy(&found, &after[m * tile_row_bytes + 4 * n], 4);
            int64_t sum = first;
            for (size_t k = 0; k < s.row_bytes[1]; k++)
                sum += value(a[m * tile_row_bytes + k], product == Product::su || product == Product::ss) *
                       value(b[k / 4 * tile_row_bytes + 4 * n + k % 4], product == Product::us || product == Product::ss);
            REQUIRE(found == static_cast<int32_t>(sum));
        }
}

} // namespace

TEST_CASE("instructions of AMX do what the emulator's arithmetic does") {
    if (!test::amx_runs()) return;
    Random random(31);
    for (int round = 0; round < 60; round++)
        for (const Product product : {Product::uu, Product::us, Product::su, Product::ss, Product::bf16}) {
            INFO("round " << round << " product " << static_cast<int>(product) << " seed " << test::run_seed());
            const bool floats = product == Product::bf16;
            const TileShapes shapes = random_shapes(random);
            const TileBytes sums = floats ? TileBytes{} : random_tile(random);
            const TileBytes a = floats ? random_bf16(random) : random_tile(random);
            const TileBytes b = floats ? random_bf16(random) : random_tile(random);
            TileBytes got = random_tile(random), expected = got;
            {
                const Tiles tiles(shapes);
                load_tile<0>(sums.data(), tile_row_bytes), load_tile<1>(a.data(), tile_row_bytes);
                load_tile<2>(b.data(), tile_row_bytes);
                multiply_on_machine(product);
                store_tile<0>(got.data(), tile_row_bytes);
            }
            AmxTiles tiles;
            tiles.load_config(&shapes);
            tiles.load(0, sums.data(), tile_row_bytes), tiles.load(1, a.data(), tile_row_bytes);
            tiles.load(2, b.data(), tile_row_bytes);
            multiply_in_software(tiles, product);
            tiles.store(0, expected.data(), tile_row_bytes);
            REQUIRE(got == expected);
            if (!floats) check_bytes(shapes, product, sums, a, b, got);
        }
}

TEST_CASE("products of bfloat16 sum even and odd columns, and flush what is tiny") {
    if (!test::amx_runs()) return;
    TileShapes shapes;
    shapes.set(0, 1, 4), shapes.set(1, 1, 8), shapes.set(2, 2, 4);
    const auto product = [&](std::array<uint16_t, 4> x, std::array<uint16_t, 4> w, float before) {
        float y = before;
        const Tiles tiles(shapes);
        load_tile<0>(&y, 4), load_tile<1>(x.data(), 8), load_tile<2>(w.data(), 4);
        multiply_bf16<0, 1, 2>();
        store_tile<0>(&y, 4);
        return y;
    };
    constexpr uint16_t one = 0x3f80, two = 0x4000, large = 0x4b80 /* 2^24 */, minus_large = 0xcb80, tiny = 0x0001;
    REQUIRE(product({one, two, one, two}, {one, one, two, two}, 0.5f) == 9.5f);
    // Even: 2^24 - 2^24; odd: 1 + 1. In the order of columns the ones would be lost.
    REQUIRE(product({large, one, minus_large, one}, {one, one, one, one}, 0) == 2.0f);
    REQUIRE(product({large, large, one, minus_large}, {one, one, one, one}, 0) == 0x1p24f); // 2^24 + 1 rounds down.
    REQUIRE(product({tiny, 0, 0, 0}, {large, one, one, one}, 0) == 0.0f);
    REQUIRE(product({0, 0, 0, 0}, {one, one, one, one}, 1e-40f) == 0.0f);
    REQUIRE(product({one, 0, 0, 0}, {0x7f80, one, one, one}, 0) == std::numeric_limits<float>::infinity());
    REQUIRE(std::isnan(product({0, 0, 0, 0}, {0x7f80, one, one, one}, 0)));
}

TEST_CASE("tiles move by any form of address, and rows beyond a shape become zeros") {
    if (!test::amx_runs()) return;
    Random random(32);
    std::vector<std::byte> memory(4096);
    for (std::byte &b : memory) b = random.byte();
    static TileShapes shapes; // At an address relative to the instruction.
    shapes.set(0, 3, 20), shapes.set(1, 16, 64);
    const std::byte *at = memory.data();
    const auto check = [&](size_t offset, size_t stride) {
        TileBytes got{};
        store_tile<0>(got.data(), tile_row_bytes);
        for (size_t r = 0; r < 3; r++)
            REQUIRE(std::memcmp(&got[r * tile_row_bytes], at + offset + r * stride, 20) == 0);
    };
    size_t stride = 100;
    __asm__ volatile("ldtilecfg %0" : : "m"(shapes));
    __asm__ volatile("tileloadd 17(%0,%1,2), %%tmm0" : : "r"(at), "r"(stride) : "memory");
    check(17, 200);
    __asm__ volatile("tileloaddt1 1000(%0,%1,4), %%tmm0" : : "r"(at), "r"(stride) : "memory");
    check(1000, 400);
    __asm__ volatile("mov %0, %%r12\n mov %1, %%r9\n tileloadd (%%r12,%%r9,8), %%tmm0" : : "r"(at), "r"(stride)
                     : "memory", "r9", "r12");
    check(0, 800);
    __asm__ volatile("mov %0, %%r13\n tileloadd 5(%%r13), %%tmm0" : : "r"(at) : "memory", "r13"); // No index: one row.
    check(5, 0);
    TileShapes found;
    __asm__ volatile("sttilecfg %0" : "=m"(found) : : "memory");
    REQUIRE(std::memcmp(&found, &shapes, sizeof found) == 0);
    // A tile's old bytes go where a product or a load does not reach.
    __asm__ volatile("tilezero %tmm0");
    TileBytes zeros = random_tile(random);
    store_tile<0>(zeros.data(), tile_row_bytes);
    for (size_t r = 0; r < 3; r++)
        for (size_t i = 0; i < 20; i++) REQUIRE(zeros[r * tile_row_bytes + i] == std::byte{0});
    __asm__ volatile("tilerelease");
    __asm__ volatile("sttilecfg %0" : "=m"(found) : : "memory");
    TileShapes none;
    none.palette = 0;
    REQUIRE(std::memcmp(&found, &none, sizeof found) == 0);
}
