// The codebooks of IQ1, IQ2 and IQ3 as kernels look them up: a point's coordinates as bytes side
// by side, so that one load is a whole point. Made by the compiler: there is nothing to
// initialize, and a kernel takes no lock.
#pragma once

#include <cstddef>
#include <cstdint>

namespace quant {

/// Added to a coordinate to store it unsigned. Negating a byte modulo 256 negates the coordinate.
inline constexpr int grid_bias = 128;
/// Coordinates of the book of IQ1 count eighths, as its shift by 1/8 is whole then.
inline constexpr int grid1_unit = 8;
/// What coordinates are, before signs and shifts.
inline constexpr int grid1_levels[] = {-grid1_unit, 0, grid1_unit};
inline constexpr int grid2_levels[] = {8, 25, 43};
inline constexpr int grid3_xxs_levels[] = {4, 12, 20, 28, 36, 44, 52, 62};
inline constexpr int grid3_s_levels[] = {1, 3, 5, 7, 9, 11, 13, 15};

template <size_t Points, size_t Dims> struct GridBytes {
    static constexpr size_t points = Points, dims = Dims;
    alignas(64) uint8_t point[Points][Dims];
};

extern const GridBytes<256, 8> bytes_256x8;   ///< IQ2_XXS
extern const GridBytes<512, 8> bytes_512x8;   ///< IQ2_XS
extern const GridBytes<1024, 8> bytes_1024x8; ///< IQ2_S
extern const GridBytes<2048, 8> bytes_2048x8; ///< IQ1_S, IQ1_M
extern const GridBytes<256, 4> bytes_256x4;   ///< IQ3_XXS
extern const GridBytes<512, 4> bytes_512x4;   ///< IQ3_S

/// The same points as two bytes each, a plane of the first ones and one of the second: which level each
/// coordinate has, of the first half of them and of the second, the first in the lowest bits. Small enough to be
/// looked up in registers.
template <size_t Points> struct GridPlanes {
    static constexpr size_t points = Points;
    alignas(64) uint8_t plane[2][Points];
};

extern const GridPlanes<256> planes_256x8;   ///< IQ2_XXS: two bits a coordinate.
extern const GridPlanes<512> planes_512x8;   ///< IQ2_XS
extern const GridPlanes<1024> planes_1024x8; ///< IQ2_S
extern const GridPlanes<2048> planes_2048x8; ///< IQ1_S, IQ1_M
extern const GridPlanes<256> planes_256x4;   ///< IQ3_XXS: four bits.
extern const GridPlanes<512> planes_512x4;   ///< IQ3_S

} // namespace quant
