// Memory in huge pages: aligned, zeroed, moved, given back.
#include "machine/huge_buffer.h"
#include "test_support.h"

#include <algorithm>
#include <cstdint>
#include <cstring>

using namespace quant;

TEST_CASE("a buffer is zeroed, aligned to huge pages, and may be written to its end") {
    for (const size_t size : {size_t{1}, size_t{4096}, (size_t{2} << 20) - 1, size_t{2} << 20, (size_t{5} << 20) + 3}) {
        const HugeBuffer buffer(size);
        REQUIRE(buffer.bytes().size() == size);
        REQUIRE(reinterpret_cast<uintptr_t>(buffer.bytes().data()) % (size_t{2} << 20) == 0);
        REQUIRE(std::all_of(buffer.bytes().begin(), buffer.bytes().end(), [](std::byte b) { return b == std::byte{0}; }));
        std::memset(buffer.bytes().data(), 7, size);
    }
}

TEST_CASE("a buffer moves, and an empty one is nothing") {
    HugeBuffer a(100), b;
    REQUIRE(b.bytes().empty());
    const std::byte *where = a.bytes().data();
    b = std::move(a);
    REQUIRE(b.bytes().data() == where);
    const HugeBuffer c(std::move(b));
    REQUIRE(c.bytes().size() == 100);
    REQUIRE(HugeBuffer(0).bytes().empty());
}

TEST_CASE("the share of huge pages is one, and none where none are asked for") {
    const HugeBuffer small(size_t{8} << 20, PageSize::small), huge(size_t{8} << 20);
    for (const HugeBuffer *b : {&small, &huge}) std::memset(b->bytes().data(), 1, b->bytes().size());
    REQUIRE(huge.huge_share() >= 0);
    REQUIRE(huge.huge_share() <= 1);
    REQUIRE(small.huge_share() < 0.5); // Mappings that touch may be told of together.
}

TEST_CASE("more memory than there is address space is refused") {
    for (const size_t size : {size_t{1} << 62, SIZE_MAX})
        test::require_error(QUANT_ERR_NO_MEMORY, {"bytes"}, [&] { HugeBuffer{size}; });
}
