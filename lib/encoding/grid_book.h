// The codebooks of IQ1, IQ2 and IQ3: points of 4 or 8 weights, of which a code chooses one.
//
// Every book is a part of a lattice: of all the points whose coordinates are among 3
// (or 8) levels, those that its format was published with. So a book is stated as one
// bit for each point of the lattice (grid_points.h); kernels read it as grid_bytes.h has it, and
// encoders in floats, as here, made at first use.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace quant {

/// `Points` points of `Dims` coordinates, in the order of their codes.
template <size_t Points, size_t Dims> struct GridBook {
    static constexpr size_t points = Points, dims = Dims;
    float largest; ///< Coordinate by magnitude.
    /// As decoders read it: a point's coordinates side by side.
    std::array<std::array<float, Dims>, Points> point;
    /// As searches read it: one coordinate of all points side by side.
    std::array<std::array<float, Points>, Dims> column;
};

using Book256x8 = GridBook<256, 8>;   ///< IQ2_XXS
using Book512x8 = GridBook<512, 8>;   ///< IQ2_XS
using Book1024x8 = GridBook<1024, 8>; ///< IQ2_S
using Book2048x8 = GridBook<2048, 8>; ///< IQ1_S, IQ1_M
using Book256x4 = GridBook<256, 4>;   ///< IQ3_XXS
using Book512x4 = GridBook<512, 4>;   ///< IQ3_S

/// The one book of that shape. Any thread; made once and kept.
template <class Book> const Book &grid_book();

} // namespace quant
