// safetensors files that are wrong in one thing each.
#include "container_bytes.h"

using namespace quant;
using namespace quant::test;

namespace {

std::string one(const std::string &entry, size_t data = 8) { return safetensors("{\"w\":" + entry + "}", data); }
std::string entry(const std::string &dtype, const std::string &shape, const std::string &offsets) {
    return R"({"dtype":")" + dtype + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}
std::string two(const std::string &first_offsets, const std::string &second_offsets, size_t data = 8) {
    return safetensors("{\"v\":" + entry("F32", "[1]", first_offsets) + ",\"w\":" + entry("F32", "[1]", second_offsets) + "}",
                       data);
}
std::string with_metadata(const std::string &json) { return safetensors("{\"__metadata__\":" + json + "}"); }

std::vector<Malformed> header_cases() {
    const std::string deep = std::string(500, '[') + std::string(500, ']');
    return {
        {"an empty file", QUANT_ERR_TRUNCATED, {}, ""},
        {"seven bytes", QUANT_ERR_TRUNCATED, {"header"}, std::string(7, '\0')},
        {"a header of no bytes", QUANT_ERR_FORMAT, {"JSON object"}, u64(0)},
        {"a header of 2^64-1 bytes", QUANT_ERR_LIMIT, {"100000000"}, u64(UINT64_MAX) + "{}"},
        {"a header of 2^64-8 bytes", QUANT_ERR_LIMIT, {"100000000"}, u64(UINT64_MAX - 7) + "{}"},
        {"a header of 100,000,001 bytes", QUANT_ERR_LIMIT, {"100000000"}, u64(100000001) + "{}"},
        {"a header of 100,000,000 bytes in a small file", QUANT_ERR_TRUNCATED, {}, u64(100000000) + "{}"},
        {"a header one byte too long", QUANT_ERR_TRUNCATED, {}, u64(3) + "{}"},
        {"an array", QUANT_ERR_FORMAT, {"JSON object"}, safetensors("[]")},
        {"a string", QUANT_ERR_FORMAT, {"JSON object"}, safetensors("\"x\"")},
        {"JSON that does not end", QUANT_ERR_FORMAT, {"JSON"}, safetensors("{\"a\":")},
        {"bytes after the JSON", QUANT_ERR_FORMAT, {"after the end"}, safetensors("{} x")},
        {"NUL after the JSON", QUANT_ERR_FORMAT, {}, safetensors(std::string("{}\0", 3))},
        {"a header that is no UTF-8", QUANT_ERR_FORMAT, {"JSON"}, safetensors("{\"\xff\":1}")},
        {"deep nesting", QUANT_ERR_FORMAT, {"JSON"}, safetensors("{\"a\":" + deep + "}")},
        {"five million values", QUANT_ERR_LIMIT, {"values"},
         safetensors("{\"a\":[1" + join(std::vector<std::string>(5000000, ",1")) + "]}")},
        {"a tensor twice", QUANT_ERR_FORMAT, {"\"w\"", "twice"},
         safetensors("{\"w\":" + entry("F32", "[1]", "[0,4]") + ",\"w\":" + entry("F32", "[1]", "[4,8]") + "}", 8)},
        {"a shape twice", QUANT_ERR_FORMAT, {"\"shape\"", "twice"},
         one(R"({"dtype":"U8","shape":[1],"shape":[8],"data_offsets":[0,8]})")},
        {"__metadata__ as an array", QUANT_ERR_FORMAT, {"__metadata__", "strings"}, with_metadata("[]")},
        {"__metadata__ with a number", QUANT_ERR_FORMAT, {"__metadata__", "\"n\""}, with_metadata(R"({"n":1})")},
        {"__metadata__ with null", QUANT_ERR_FORMAT, {"__metadata__", "\"n\""}, with_metadata(R"({"n":null})")},
        {"a key of __metadata__ twice", QUANT_ERR_FORMAT, {"\"n\"", "twice"}, with_metadata(R"({"n":"a","n":"b"})")},
        {"data without tensors", QUANT_ERR_FORMAT, {"the data"}, safetensors("{}", 1)},
    };
}

std::vector<Malformed> entry_cases() {
    return {
        {"a number for a tensor", QUANT_ERR_FORMAT, {"\"w\"", "object"}, one("1")},
        {"null for a tensor", QUANT_ERR_FORMAT, {"\"w\""}, one("null")},
        {"no dtype", QUANT_ERR_FORMAT, {"\"w\"", "dtype", "missing"}, one(R"({"shape":[1],"data_offsets":[0,8]})")},
        {"no shape", QUANT_ERR_FORMAT, {"\"w\"", "shape"}, one(R"({"dtype":"F64","data_offsets":[0,8]})")},
        {"no offsets", QUANT_ERR_FORMAT, {"\"w\"", "data_offsets"}, one(R"({"dtype":"F64","shape":[1]})")},
        {"dtype as a number", QUANT_ERR_FORMAT, {"\"w\"", "dtype"}, one(R"({"dtype":1,"shape":[1],"data_offsets":[0,8]})")},
        {"an unknown dtype", QUANT_ERR_UNSUPPORTED, {"\"w\"", "F31"}, one(entry("F31", "[1]", "[0,8]"))},
        {"a dtype in small letters", QUANT_ERR_UNSUPPORTED, {"\"w\"", "f32"}, one(entry("f32", "[2]", "[0,8]"))},
        {"a shape that is no array", QUANT_ERR_FORMAT, {"\"w\"", "shape"}, one(entry("F32", "2", "[0,8]"))},
        {"a negative dimension", QUANT_ERR_FORMAT, {"\"w\"", "shape"}, one(entry("F32", "[-2]", "[0,8]"))},
        {"a fractional dimension", QUANT_ERR_FORMAT, {"\"w\"", "shape"}, one(entry("F32", "[2.0]", "[0,8]"))},
        {"a dimension as a string", QUANT_ERR_FORMAT, {"\"w\"", "shape"}, one(entry("F32", "[\"2\"]", "[0,8]"))},
        {"a dimension of 2^64", QUANT_ERR_FORMAT, {"\"w\""}, one(entry("F32", "[18446744073709551616]", "[0,8]"))},
        {"a product that wraps to the true size", QUANT_ERR_FORMAT, {"\"w\"", "overflow"},
         one(entry("U8", "[8,2305843009213693953]", "[0,8]"))},
        {"bits that wrap", QUANT_ERR_FORMAT, {"\"w\"", "overflow"}, one(entry("F64", "[4611686018427387905]", "[0,8]"))},
        {"half a byte", QUANT_ERR_FORMAT, {"\"w\"", "whole number of bytes"}, one(entry("F4", "[3]", "[0,2]"), 2)},
        {"a size that differs", QUANT_ERR_FORMAT, {"\"w\"", "12 bytes"}, one(entry("F32", "[3]", "[0,8]"))},
        {"one offset", QUANT_ERR_FORMAT, {"\"w\"", "data_offsets"}, one(entry("F32", "[2]", "[0]"))},
        {"three offsets", QUANT_ERR_FORMAT, {"\"w\"", "data_offsets"}, one(entry("F32", "[2]", "[0,8,8]"))},
        {"offsets that go back", QUANT_ERR_FORMAT, {"\"w\"", "data_offsets"}, one(entry("F32", "[2]", "[8,0]"))},
        {"a negative offset", QUANT_ERR_FORMAT, {"\"w\"", "data_offsets"}, one(entry("F32", "[2]", "[-8,0]"))},
        {"a size of 0 with data", QUANT_ERR_FORMAT, {"\"w\""}, one(entry("F32", "[0]", "[0,8]"))},
    };
}

std::vector<Malformed> place_cases() {
    return {
        {"data that begins late", QUANT_ERR_FORMAT, {"\"w\"", "hole"}, one(entry("F32", "[1]", "[4,8]"))},
        {"a hole between tensors", QUANT_ERR_FORMAT, {"\"w\"", "hole"}, two("[0,4]", "[8,12]", 12)},
        {"two tensors in one place", QUANT_ERR_FORMAT, {"overlap"}, two("[0,4]", "[0,4]", 4)},
        {"two tensors that overlap", QUANT_ERR_FORMAT, {"\"w\"", "overlap"}, two("[0,4]", "[2,6]", 6)},
        {"data past the file's end", QUANT_ERR_TRUNCATED, {"\"w\""}, two("[0,4]", "[4,8]", 7)},
        {"no data", QUANT_ERR_TRUNCATED, {"\"w\""}, one(entry("F32", "[2]", "[0,8]"), 0)},
        {"bytes after the last tensor", QUANT_ERR_FORMAT, {"the data", "9 bytes"}, two("[0,4]", "[4,8]", 9)},
        {"offsets near 2^64", QUANT_ERR_FORMAT, {"\"w\"", "hole"},
         one(entry("F32", "[2]", "[18446744073709551600,18446744073709551608]"))},
        {"a tensor of 2^60 bytes", QUANT_ERR_TRUNCATED, {"\"w\""},
         one(entry("U8", "[1152921504606846976]", "[0,1152921504606846976]"))},
    };
}

std::string small_file() {
    return safetensors(R"({"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},)"
                       R"("b":{"dtype":"BF16","shape":[2],"data_offsets":[24,28]},)"
                       R"("c":{"dtype":"I64","shape":[],"data_offsets":[28,36]}} )",
                       36);
}

} // namespace

TEST_CASE("malformed safetensors headers are refused by name") {
    require_all_refused(parse_safetensors, header_cases());
}

TEST_CASE("malformed safetensors tensors are refused by name") {
    require_all_refused(parse_safetensors, entry_cases());
    require_all_refused(parse_safetensors, place_cases());
}

TEST_CASE("a safetensors file cut at any byte is refused") {
    const std::string bytes = small_file();
    REQUIRE(parse_exact(parse_safetensors, bytes).tensors.size() == 3);
    require_prefixes_refused(parse_safetensors, bytes, bytes.size());
}

TEST_CASE("a safetensors file with flipped bytes is parsed or refused") {
    survive_mutations(parse_safetensors, small_file(), 20000, 20240612);
}
