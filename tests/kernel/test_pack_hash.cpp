#include "kernel/pack_hash.h"
#include "kernel_test_support.h"

using namespace quant;
using kernel::pack_hash;

TEST_CASE("a changed byte, and a byte more or less, changes the checksum") {
    test::Random random(41);
    for (const size_t size : {0, 1, 7, 8, 255, 256, 257, 4096, 5000}) {
        std::vector<std::byte> bytes(size);
        for (std::byte &b : bytes) b = random.byte();
        test::Guarded<std::byte> guarded(bytes);
        const uint64_t sum = pack_hash({guarded.data(), size});
        REQUIRE(pack_hash(bytes) == sum);
        for (std::byte &b : bytes) {
            b ^= std::byte{1};
            REQUIRE(pack_hash(bytes) != sum);
            b ^= std::byte{1};
        }
        bytes.push_back(std::byte{0});
        REQUIRE(pack_hash(bytes) != sum);
    }
}

TEST_CASE("the checksum is the same on all machines") {
    std::vector<std::byte> bytes(1000);
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<std::byte>(i * 7);
    REQUIRE(pack_hash(bytes) == 0xf143e140a3d73ccb);
}
