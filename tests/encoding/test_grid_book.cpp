// The codebooks of IQ1, IQ2 and IQ3, expanded from one bit a point: held to the digests of
// the tables that files were written with, and to the rule their points obey.
#include "encoding/grid_book.h"

#include "base/sha256.h"
#include "test_support.h"

#include <cmath>

using namespace quant;

namespace {

// SHA-256 over the points as signed bytes, in the order of their codes.
template <class Book> std::string digest() {
    std::string bytes;
    for (const auto &point : grid_book<Book>().point)
        for (const float level : point) bytes.push_back(static_cast<char>(level));
    return sha256_hex(bytes);
}

// Whether the places of a point's levels among all levels sum to an even number.
template <class Book> size_t even_points(const std::vector<float> &levels) {
    size_t even = 0;
    for (const auto &point : grid_book<Book>().point) {
        ptrdiff_t sum = 0;
        for (const float level : point) sum += std::find(levels.begin(), levels.end(), level) - levels.begin();
        even += sum % 2 == 0;
    }
    return even;
}

template <class Book> void require_whole() {
    const Book &book = grid_book<Book>();
    float largest = 0;
    for (size_t code = 0; code < Book::points; code++)
        for (size_t i = 0; i < Book::dims; i++) {
            REQUIRE(book.column[i][code] == book.point[code][i]);
            largest = std::max(largest, std::abs(book.point[code][i]));
        }
    REQUIRE(largest == book.largest);
    // Ascending by the last coordinate, then the one before it ...: no point twice.
    for (size_t code = 1; code < Book::points; code++)
        REQUIRE(std::lexicographical_compare(book.point[code - 1].rbegin(), book.point[code - 1].rend(),
                                             book.point[code].rbegin(), book.point[code].rend()));
}

} // namespace

TEST_CASE("the codebooks have the digests of those in use") {
    CHECK(digest<Book256x8>() == "05826b5d3e472a3a78f196be62ac78acf81df0f909626e12ab9fa2a5d490dd54");
    CHECK(digest<Book512x8>() == "06e47aaca60b4dc1d9b5a3f34540437058a6b142b4d7a59d5ded769b4d1bf1de");
    CHECK(digest<Book1024x8>() == "e1aa1473412b0552c2174c30ef22ab4073f6a181b85a17056e8249bd2932fd88");
    CHECK(digest<Book2048x8>() == "07540ffc1aeaf6ad4d97e96b0fcc765aae39671d4ae4a27bbd0e796fde167c6a");
    CHECK(digest<Book256x4>() == "46e35f5a997efdee6c99ce57854c8a0d4f0ff8ca57e5e8a60c0793ea580acf5d");
    CHECK(digest<Book512x4>() == "bd1af4945a1717c65610b0284e4628b9a1ba3b306fae3a06f6e5f597356e349f");
}

TEST_CASE("points are ascending, and columns hold what points hold") {
    require_whole<Book256x8>();
    require_whole<Book512x8>();
    require_whole<Book1024x8>();
    require_whole<Book2048x8>();
    require_whole<Book256x4>();
    require_whole<Book512x4>();
}

TEST_CASE("the books of IQ2 and IQ3_XXS hold even points only") {
    const std::vector<float> three = {8, 25, 43}, eight = {4, 12, 20, 28, 36, 44, 52, 62};
    REQUIRE(even_points<Book256x8>(three) == 256);
    REQUIRE(even_points<Book512x8>(three) == 512);
    REQUIRE(even_points<Book1024x8>(three) == 1024);
    REQUIRE(even_points<Book256x4>(eight) == 256);
}
