#include "encoding/grid_book.h"

#include "base/error.h"
#include "encoding/grid_points.h"

#include <cmath>
#include <memory>
#include <span>
#include <string_view>

namespace quant {

namespace {

constexpr float levels_of_iq1[] = {-1, 0, 1};
constexpr float levels_of_iq2[] = {8, 25, 43};
constexpr float levels_of_iq3_xxs[] = {4, 12, 20, 28, 36, 44, 52, 62};
constexpr float levels_of_iq3_s[] = {1, 3, 5, 7, 9, 11, 13, 15};

unsigned hex_digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }

// Expand the bits of a lattice to the points of a book.
template <class Book> std::unique_ptr<const Book> expand(std::string_view held, std::span<const float> levels) {
    auto book = std::make_unique<Book>();
    book->largest = std::abs(levels.back());
    size_t code = 0;
    for (size_t rank = 0; rank < 4 * held.size(); rank++) {
        if ((hex_digit(held[rank / 4]) >> (rank % 4) & 1) == 0) continue;
        size_t rest = rank;
        for (size_t i = 0; i < Book::dims && code < Book::points; i++, rest /= levels.size())
            book->point[code][i] = book->column[i][code] = levels[rest % levels.size()];
        code++;
    }
    if (code != Book::points) fail(QUANT_ERR_INTERNAL, "a codebook has {} points; expected {}", code, Book::points);
    return book;
}

} // namespace

// A program that never meets these encodings never expands their books.
#define GRID_BOOK(Book, points, levels)                                               \
    template <> const Book &grid_book<Book>() {                                       \
        static const std::unique_ptr<const Book> book = expand<Book>(points, levels); \
        return *book;                                                                 \
    }
GRID_BOOK(Book256x8, book_256x8_points, levels_of_iq2)
GRID_BOOK(Book512x8, book_512x8_points, levels_of_iq2)
GRID_BOOK(Book1024x8, book_1024x8_points, levels_of_iq2)
GRID_BOOK(Book2048x8, book_2048x8_points, levels_of_iq1)
GRID_BOOK(Book256x4, book_256x4_points, levels_of_iq3_xxs)
GRID_BOOK(Book512x4, book_512x4_points, levels_of_iq3_s)
#undef GRID_BOOK

} // namespace quant
