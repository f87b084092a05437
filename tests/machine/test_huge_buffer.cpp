// Memory in huge pages: aligned, zeroed, moved, given back.
#include "machine/huge_buffer.h"
#include "machine/huge_map.h"
#include "machine/worker_pool.h"
#include "test_support.h"

#include <sys/stat.h>

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

TEST_CASE("a mapped file is aligned to huge pages, and populating takes any part of it") {
    const test::ScratchFolder folder;
    std::string text((size_t{2} << 20) + 5000, 'x');
    for (size_t i = 0; i < text.size(); i++) text[i] = static_cast<char>(i * 31 >> 3);
    test::write_file(folder / "file", text);
    REQUIRE(::chmod((folder / "file").c_str(), 0600) == 0);
    const auto map = HugeMap::open(folder / "file");
    const auto bytes = map->bytes();
    REQUIRE(reinterpret_cast<uintptr_t>(bytes.data()) % huge_page == 0);
    WorkerPool pool(2);
    const std::span<const std::byte> parts[] = {bytes.subspan(3, 10), bytes.subspan(5000), bytes.first(0), bytes};
    populate(parts, pool);
    REQUIRE(std::memcmp(bytes.data(), text.data(), text.size()) == 0);
    REQUIRE(huge_share(bytes) <= 1);

    test::write_file(folder / "empty", "");
    REQUIRE(::chmod((folder / "empty").c_str(), 0600) == 0);
    REQUIRE(HugeMap::open(folder / "empty")->bytes().empty());
}
