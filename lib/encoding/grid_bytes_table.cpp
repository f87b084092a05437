#include "encoding/grid_bytes.h"

#include "encoding/grid_points.h"

namespace quant {

namespace {


constexpr unsigned hex_digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }

// Expand the bits of a lattice to the points of a book.
template <class Bytes, size_t Levels> consteval Bytes expand(std::string_view held, const int (&levels)[Levels]) {
    Bytes out{};
    size_t code = 0;
    for (size_t rank = 0; rank < 4 * held.size(); rank++) {
        if ((hex_digit(held[rank / 4]) >> (rank % 4) & 1) == 0) continue;
        if (code == Bytes::points) throw "more points than the book has codes";
        size_t rest = rank;
        for (size_t i = 0; i < Bytes::dims; i++, rest /= Levels)
            out.point[code][i] = static_cast<uint8_t>(grid_bias + levels[rest % Levels]);
        code++;
    }
    if (code != Bytes::points) throw "fewer points than the book has codes";
    return out;
}

template <class Bytes, size_t Levels>
consteval GridPlanes<Bytes::points> planes_of(const Bytes &book, const int (&levels)[Levels]) {
    constexpr size_t half = Bytes::dims / 2, bits = 8 / half;
    GridPlanes<Bytes::points> out{};
    for (size_t code = 0; code < Bytes::points; code++)
        for (size_t i = 0; i < Bytes::dims; i++)
            for (unsigned level = 0; level < Levels; level++)
                if (book.point[code][i] == grid_bias + levels[level])
                    out.plane[i / half][code] |= static_cast<uint8_t>(level << (i % half * bits));
    return out;
}

} // namespace

constexpr GridBytes<256, 8> bytes_256x8 = expand<GridBytes<256, 8>>(book_256x8_points, grid2_levels);
constexpr GridBytes<512, 8> bytes_512x8 = expand<GridBytes<512, 8>>(book_512x8_points, grid2_levels);
constexpr GridBytes<1024, 8> bytes_1024x8 = expand<GridBytes<1024, 8>>(book_1024x8_points, grid2_levels);
constexpr GridBytes<2048, 8> bytes_2048x8 = expand<GridBytes<2048, 8>>(book_2048x8_points, grid1_levels);
constexpr GridBytes<256, 4> bytes_256x4 = expand<GridBytes<256, 4>>(book_256x4_points, grid3_xxs_levels);
constexpr GridBytes<512, 4> bytes_512x4 = expand<GridBytes<512, 4>>(book_512x4_points, grid3_s_levels);

constexpr GridPlanes<256> planes_256x8 = planes_of(bytes_256x8, grid2_levels);
constexpr GridPlanes<512> planes_512x8 = planes_of(bytes_512x8, grid2_levels);
constexpr GridPlanes<1024> planes_1024x8 = planes_of(bytes_1024x8, grid2_levels);
constexpr GridPlanes<2048> planes_2048x8 = planes_of(bytes_2048x8, grid1_levels);
constexpr GridPlanes<256> planes_256x4 = planes_of(bytes_256x4, grid3_xxs_levels);
constexpr GridPlanes<512> planes_512x4 = planes_of(bytes_512x4, grid3_s_levels);

} // namespace quant
