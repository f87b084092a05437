// The tile registers of AMX: eight of 16 rows by 64 bytes, whose shapes a thread states before
// it uses them. The compiler's own intrinsics take tile numbers as digits in the source and do
// not tell it what memory they read; these take them as template arguments, and do.
#pragma once

#include "kernel/simd/simd_inline.h"

#include <cstddef>
#include <cstdint>

namespace quant::kernel::amx {
namespace {

constexpr size_t tile_rows = 16, tile_row_bytes = 64;

/// What LDTILECFG reads.
struct alignas(64) TileShapes {
    uint8_t palette = 1, first_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {};
    uint8_t rows[16] = {};

    constexpr void set(int tile, size_t row_count, size_t bytes) {
        rows[tile] = static_cast<uint8_t>(row_count), row_bytes[tile] = static_cast<uint16_t>(bytes);
    }
};
static_assert(sizeof(TileShapes) == 64);

/// While it lives the calling thread has tiles of these shapes, zeros at first; afterwards none,
/// so that nothing is left to be saved when the system switches threads.
class Tiles {
public:
    explicit QUANT_INLINE Tiles(const TileShapes &shapes) {
        __asm__ volatile("ldtilecfg %0" : : "m"(shapes) : "memory");
    }
    QUANT_INLINE ~Tiles() { __asm__ volatile("tilerelease"); }
    Tiles(const Tiles &) = delete;
    Tiles &operator=(const Tiles &) = delete;
};

template <int Tile>
QUANT_INLINE void zero_tile() {
    __asm__ volatile("tilezero %%tmm%c0" : : "i"(Tile));
}

/// Rows `stride` bytes apart.
template <int Tile>
QUANT_INLINE void load_tile(const void *from, size_t stride) {
    __asm__ volatile("tileloadd (%0,%1,1), %%tmm%c2" : : "r"(from), "r"(stride), "i"(Tile) : "memory");
}

template <int Tile>
QUANT_INLINE void store_tile(void *to, size_t stride) {
    __asm__ volatile("tilestored %%tmm%c2, (%0,%1,1)" : : "r"(to), "r"(stride), "i"(Tile) : "memory");
}

/// Sums[m][n] += signed bytes 4 k .. 4 k + 3 of row m of A by those of lane n of row k of B.
template <int Sums, int A, int B>
QUANT_INLINE void multiply_bytes() {
    __asm__ volatile("tdpbssd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(A), "i"(B));
}

/// The same of pairs of bfloat16, summed as float.
template <int Sums, int A, int B>
QUANT_INLINE void multiply_bf16() {
    __asm__ volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(Sums), "i"(A), "i"(B));
}

/// Runs `four`, an instruction into each of tiles 0 to 3 so that none waits for its last, until `steps` have been;
/// operands are tiles 4 and 5, all full. Returns how many have been.
template <class Four>
QUANT_INLINE size_t run_full_tiles(size_t steps, const Four &four) {
    static constexpr TileShapes shapes = [] {
        TileShapes out;
        for (int tile = 0; tile < 6; ++tile) out.set(tile, tile_rows, tile_row_bytes);
        return out;
    }();
    const Tiles tiles(shapes);
    for (size_t i = 0; i < steps; i += 4) four();
    return (steps + 3) / 4 * 4;
}

} // namespace
} // namespace quant::kernel::amx
