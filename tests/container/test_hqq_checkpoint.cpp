// HQQ, against what hqq made of the same pieces; and pieces that contradict each other.
#include "checkpoint_support.h"
#include "test_support.h"

#include <cmath>

using namespace quant;
using namespace quant::test;

namespace {

std::shared_ptr<const Container> open_golden(const std::string &quantization) {
    const json::value config = json::parse("{\"quantization_config\":" + quantization + "}", "config.json");
    return open_checkpoint(Container::open(data("container/hqq.safetensors")), json::Reader(config, "config.json"));
}

std::string text_of(const char *text) { return text; }

// Two rows of 32 columns, one group each: codes 0xa5 are ten and five.
Pieces small() {
    return {{"x.W_q", {"U8", {1, 32}, std::string(32, '\xa5')}},
            {"x.scale", {"F32", {2, 1}, floats({0.5f, 2})}},
            {"x.zero", {"F32", {2, 1}, floats({8, 4})}},
            {"x.shape", {"I64", {2}, u64(2) + u64(32)}},
            {"x.group_size", {"I32", {}, u32(32)}},
            {"x.axis", {"I32", {}, u32(1)}},
            {"x.nbits", {"I32", {}, u32(4)}},
            {"x.packing", {"U8", {7}, text_of("4bit_u8")}},
            {"x.bias", {"F32", {2}, floats({1, 2})}}};
}

constexpr const char *hqq = R"({"quant_method":"hqq"})";

} // namespace

TEST_CASE("matrices of HQQ are what hqq makes of them, in each packing and along both axes") {
    const auto container = open_golden(hqq);
    size_t found = 0;
    for (const TensorInfo &expected : container->tensors()) {
        if (!expected.name.ends_with(".expected")) continue;
        const std::string name = expected.name.substr(0, expected.name.size() - 9);
        INFO(name);
        const TensorInfo &weight = container->require(name + ".weight");
        REQUIRE(weight.shape == expected.shape);
        const std::vector<float> x = container->decode(weight), y = container->decode(expected);
        const bool across = name.find("axis0") != std::string::npos, halves = expected.encoding->id == QUANT_F16;
        // Along axis 1 their type's arithmetic rounds the difference, then the product; ours is exact.
        const float largest = std::abs(*std::max_element(y.begin(), y.end(), [](float a, float b) { return std::abs(a) < std::abs(b); }));
        const float rounding = across ? 0 : largest * (halves ? 0x1p-9f : 0x1p-6f);
        for (size_t i = 0; i < x.size(); i++) {
            INFO(i << ": " << x[i] << ", expected " << y[i]);
            REQUIRE(std::abs(x[i] - y[i]) <= rounding);
        }
        if (across) REQUIRE(weight.encoding->id == expected.encoding->id);
        found++;
    }
    REQUIRE(found == 20);
    REQUIRE(container->tensors().size() == 2 * found);
    const std::pair<const char *, quant_encoding> exact[] = {{"q8_axis1_g64", QUANT_INT8_G64},
                                                             {"q4_axis1_g64", QUANT_INT4_G64},
                                                             {"q3_axis1_g64", QUANT_INT3_G64},
                                                             {"q2_axis1_g64", QUANT_INT2_G64},
                                                             {"q1_axis1_g64", QUANT_INT2_G64}};
    for (const auto &[name, encoding] : exact) {
        INFO(name);
        REQUIRE(container->require(std::string(name) + ".weight").encoding->id == encoding);
    }
}

TEST_CASE("a small matrix of HQQ is its codes less their zero, times their scale") {
    const ScratchFolder folder;
    const auto container = open_pieces(folder, small(), hqq);
    REQUIRE(container->tensors().size() == 2);
    const std::vector<float> x = container->decode(container->require("x.weight"));
    for (size_t i = 0; i < 32; i++) REQUIRE(x[i] == 1);
    for (size_t i = 32; i < 64; i++) REQUIRE(x[i] == 2);
    REQUIRE(container->find("x.bias"));
}

TEST_CASE("pieces of HQQ that contradict each other are refused by name") {
    require_pieces_refused(
        small(), hqq,
        {{"a packing of another kind", {"x.packing", "5bit_u8"}, [](Pieces &p) { p["x.packing"].bytes[0] = '5'; }},
         {"no packing", {"x.packing"}, [](Pieces &p) { p.erase("x.packing"); }},
         {"no zeros", {"x.zero"}, [](Pieces &p) { p.erase("x.zero"); }},
         {"a group of nothing", {"x.W_q", "groups of 0"}, [](Pieces &p) { p["x.group_size"].bytes = u32(0); }},
         {"a group below nothing", {"x.W_q", "-32"}, [](Pieces &p) { p["x.group_size"].bytes = u32(static_cast<uint32_t>(-32)); }},
         {"groups that do not divide", {"x.W_q", "groups of 48"}, [](Pieces &p) { p["x.group_size"].bytes = u32(48); }},
         {"groups over two rows", {"ends of rows"},
          [](Pieces &p) {
              p["x.group_size"].bytes = u32(64);
              p["x.scale"] = p["x.zero"] = {"F32", {1, 1}, floats({1})};
              p["x.packing"] = {"U8", {7}, text_of("8bit_u8")};
              p["x.W_q"] = {"U8", {1, 64}, std::string(64, '\1')};
          }},
         {"an axis that is none", {"axis is 2"}, [](Pieces &p) { p["x.axis"].bytes = u32(2); }},
         {"an axis of words", {"x.axis", "F32"}, [](Pieces &p) { p["x.axis"] = {"F32", {}, floats({1})}; }},
         {"codes that end early", {"x.W_q", "31 bytes", "32"},
          [](Pieces &p) { p["x.W_q"] = {"U8", {1, 31}, std::string(31, '\1')}; }},
         {"one scale", {"x.scale", "[2, 1]"}, [](Pieces &p) { p["x.scale"] = {"F32", {1, 1}, floats({1})}; }},
         {"a shape that overflows", {"x.W_q", "overflows"},
          [](Pieces &p) { p["x.shape"].bytes = u64(uint64_t{1} << 62) + u64(uint64_t{1} << 62); }},
         {"a shape below nothing", {"x.shape", "-1"}, [](Pieces &p) { p["x.shape"].bytes = u64(UINT64_MAX) + u64(32); }},
         {"a shape of three numbers", {"x.shape"},
          [](Pieces &p) { p["x.shape"] = {"I64", {3}, u64(2) + u64(4) + u64(8)}; }}});
    require_pieces_refused(small(), R"({"quant_method":"hqq","quant_config":{"weight_quant_params":{"group_size":64}}})",
                           {{"another group in the config", {"group_size is 32", "64"}, [](Pieces &) {}}});
}
