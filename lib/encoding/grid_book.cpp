#include "encoding/grid_book.h"

#include "encoding/grid_bytes.h"

#include <algorithm>
#include <cmath>
#include <memory>

namespace quant {

namespace {

template <class Book, class Bytes> std::unique_ptr<const Book> expand(const Bytes &bytes, float unit) {
    static_assert(Book::points == Bytes::points && Book::dims == Bytes::dims);
    auto book = std::make_unique<Book>();
    book->largest = 0;
    for (size_t code = 0; code < Book::points; code++)
        for (size_t i = 0; i < Book::dims; i++) {
            const float level = static_cast<float>(bytes.point[code][i] - grid_bias) / unit;
            book->point[code][i] = book->column[i][code] = level;
            book->largest = std::max(book->largest, std::abs(level));
        }
    return book;
}

} // namespace

// A program that never meets these encodings never expands their books.
#define GRID_BOOK(Book, bytes, unit)                                               \
    template <> const Book &grid_book<Book>() {                                    \
        static const std::unique_ptr<const Book> book = expand<Book>(bytes, unit); \
        return *book;                                                              \
    }
GRID_BOOK(Book256x8, bytes_256x8, 1)
GRID_BOOK(Book512x8, bytes_512x8, 1)
GRID_BOOK(Book1024x8, bytes_1024x8, 1)
GRID_BOOK(Book2048x8, bytes_2048x8, grid1_unit)
GRID_BOOK(Book256x4, bytes_256x4, 1)
GRID_BOOK(Book512x4, bytes_512x4, 1)
#undef GRID_BOOK

} // namespace quant
