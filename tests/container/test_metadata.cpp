#include "container/metadata.h"
#include "test_support.h"

using namespace quant;
using test::require_error;

namespace {

Metadata sample() {
    Metadata m("m.gguf");
    m.set("u8", uint8_t{200});
    m.set("i32", int32_t{-5});
    m.set("i64", int64_t{1} << 40);
    m.set("u64", UINT64_MAX);
    m.set("f32", 0.5f);
    m.set("f64", 0.25);
    m.set("flag", true);
    m.set("text", std::string("words"));
    m.set("strings", MetadataArray{std::vector<std::string>{"a", "b"}});
    m.set("floats", MetadataArray{std::vector<float>{1, 2, 3}});
    m.set("ints", MetadataArray{std::vector<int16_t>{-1, 2}});
    m.set("large", MetadataArray{std::vector<uint64_t>{UINT64_MAX}});
    m.set("bytes", MetadataArray{std::vector<uint8_t>{1, 2}});
    return m;
}

} // namespace

TEST_CASE("metadata converts integers that fit and refuses the rest by key and file") {
    const Metadata m = sample();
    REQUIRE(m.find_uint("u8") == 200u);
    REQUIRE(m.find_uint("i64") == uint64_t{1} << 40);
    REQUIRE(m.require_uint("u64") == UINT64_MAX);
    for (const char *key : {"i32", "f32", "flag", "text", "ints"})
        require_error(QUANT_ERR_MODEL, {"m.gguf", key, "whole number"}, [&] { (void)m.find_uint(key); });
    REQUIRE_FALSE(m.find_uint("absent"));
    require_error(QUANT_ERR_MODEL, {"m.gguf", "\"absent\"", "missing"}, [&] { m.require_uint("absent"); });
}

TEST_CASE("metadata numbers, bools and strings keep to their types") {
    const Metadata m = sample();
    REQUIRE(m.find_number("f32") == 0.5);
    REQUIRE(m.find_number("i32") == -5.0);
    REQUIRE(m.require_number("f64") == 0.25);
    REQUIRE(m.find_bool("flag") == true);
    REQUIRE(m.require_string("text") == "words");
    require_error(QUANT_ERR_MODEL, {"\"flag\"", "a number"}, [&] { (void)m.find_number("flag"); });
    require_error(QUANT_ERR_MODEL, {"\"u8\"", "true or false"}, [&] { (void)m.find_bool("u8"); });
    require_error(QUANT_ERR_MODEL, {"\"u8\"", "a string"}, [&] { (void)m.find_string("u8"); });
    require_error(QUANT_ERR_MODEL, {"\"none\""}, [&] { m.require_string("none"); });
    require_error(QUANT_ERR_MODEL, {"\"none\""}, [&] { m.require_number("none"); });
}

TEST_CASE("metadata arrays are checked by their element type") {
    const Metadata m = sample();
    REQUIRE(*m.find_strings("strings") == std::vector<std::string>{"a", "b"});
    REQUIRE(*m.find_floats("floats") == std::vector<float>{1, 2, 3});
    REQUIRE(*m.find_ints("ints") == std::vector<int64_t>{-1, 2});
    REQUIRE(*m.find_ints("bytes") == std::vector<int64_t>{1, 2});
    REQUIRE(m.find_strings("absent") == nullptr);
    REQUIRE(m.find_floats("absent") == nullptr);
    REQUIRE_FALSE(m.find_ints("absent"));
    require_error(QUANT_ERR_MODEL, {"\"bytes\"", "float32"}, [&] { m.find_floats("bytes"); });
    require_error(QUANT_ERR_MODEL, {"\"floats\"", "strings"}, [&] { m.find_strings("floats"); });
    require_error(QUANT_ERR_MODEL, {"\"floats\"", "whole numbers"}, [&] { (void)m.find_ints("floats"); });
    require_error(QUANT_ERR_MODEL, {"\"large\"", "whole numbers"}, [&] { (void)m.find_ints("large"); });
    require_error(QUANT_ERR_MODEL, {"\"u8\"", "whole numbers"}, [&] { (void)m.find_ints("u8"); });
}

TEST_CASE("metadata keeps the order of keys through replacement and removal") {
    Metadata m;
    for (const char *key : {"a", "b", "c", "d"}) m.set(key, uint32_t{0});
    m.set("b", uint32_t{7});
    m.erase("a");
    m.erase("absent");
    m.set("a", uint32_t{9});
    std::string order;
    for (const auto &[key, value] : m.entries()) order += key;
    REQUIRE(order == "bcda");
    REQUIRE(m.require_uint("b") == 7);
    REQUIRE(m.require_uint("a") == 9);
    REQUIRE(m.find("d") == &m.entries()[2].second);
}

TEST_CASE("a copy of metadata stands by itself") {
    Metadata m = sample();
    const Metadata copy = m;
    m.erase("u8");
    m.set("text", std::string("others"));
    REQUIRE(copy.require_uint("u8") == 200);
    REQUIRE(copy.require_string("text") == "words");
}
