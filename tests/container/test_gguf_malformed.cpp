// GGUF files that are wrong in one thing each. The limits and the classes of error are
// those of docs and of container.h: LIMIT for a count over a stated limit, TRUNCATED for
// what the file is too short for, UNSUPPORTED for numbers of unknown meaning, else FORMAT.
#include "container_bytes.h"

#include <limits>

using namespace quant;
using namespace quant::test;

namespace {

constexpr uint64_t huge = UINT64_MAX;
constexpr uint64_t two_to_61 = uint64_t{1} << 61;

std::string one_key(uint32_t type, const std::string &payload) { return gguf_keys({kv("k", type, payload)}); }
std::string one_tensor(const std::vector<uint64_t> &dims, uint32_t type, uint64_t offset = 0, size_t data = 256) {
    return gguf_tensors({tensor("a.weight", dims, type, offset)}, data);
}
std::string aligned(uint32_t type, const std::string &payload) {
    return gguf_keys({kv("general.alignment", type, payload)});
}
std::string nested(int levels) {
    std::string out = array(t_u8, 1, "x");
    for (int i = 1; i < levels; ++i) out = array(t_array, 1, out);
    return out;
}

const std::string plain = tensor("a", {8}, 0, 0);

std::vector<Malformed> header_cases() {
    return {
        {"an empty file", QUANT_ERR_TRUNCATED, {}, ""},
        {"two bytes of magic", QUANT_ERR_TRUNCATED, {"2 bytes"}, "GG"},
        {"the magic alone", QUANT_ERR_TRUNCATED, {"header"}, "GGUF"},
        {"another magic", QUANT_ERR_FORMAT, {"GGUF", "GGUG"}, "GGUG" + header(3, 0, 0).substr(4)},
        {"version 0", QUANT_ERR_UNSUPPORTED, {"version 0"}, header(0, 0, 0)},
        {"version 1", QUANT_ERR_UNSUPPORTED, {"version 1"}, header(1, 0, 0)},
        {"version 4", QUANT_ERR_UNSUPPORTED, {"version 4"}, header(4, 0, 0)},
        {"big-endian", QUANT_ERR_UNSUPPORTED, {"big-endian"}, header(0x03000000, 0, 0)},
        {"2^64-1 keys", QUANT_ERR_LIMIT, {"keys"}, header(3, 0, huge)},
        {"2^64-1 tensors", QUANT_ERR_LIMIT, {"tensors"}, header(3, huge, 0)},
        {"2^56 keys", QUANT_ERR_LIMIT, {"keys"}, header(3, 0, uint64_t{1} << 56)},
        {"tensors whose records wrap 2^64", QUANT_ERR_LIMIT, {"tensors"}, header(3, huge / 312, 0)},
        {"keys whose records wrap 2^64", QUANT_ERR_LIMIT, {"keys"}, header(3, 0, huge / 13 + 1)},
        {"more keys than follow", QUANT_ERR_TRUNCATED, {}, header(3, 0, 1000)},
        {"more tensors than follow", QUANT_ERR_TRUNCATED, {}, header(3, 1000, 0) + plain},
        {"one key announced, none there", QUANT_ERR_TRUNCATED, {}, header(3, 0, 1)},
        {"the second key is missing", QUANT_ERR_TRUNCATED, {"key 2 of 2"},
         header(3, 0, 2) + kv("a", t_text, text("fifteen letters"))},
    };
}

std::vector<Malformed> key_cases() {
    return {
        {"an empty key", QUANT_ERR_FORMAT, {"key 1", "empty"}, gguf_keys({kv("", t_u32, u32(1) + u32(0))})},
        {"a key with NUL", QUANT_ERR_FORMAT, {"x\\x00y"}, gguf_keys({kv(std::string("x\0y", 3), t_u8, "1")})},
        {"a key that is no UTF-8", QUANT_ERR_FORMAT, {"\\xff"}, gguf_keys({kv("\xff", t_u8, "1")})},
        {"a key of 65536 bytes", QUANT_ERR_FORMAT, {"65536"}, gguf_keys({kv(std::string(65536, 'k'), t_u8, "1")})},
        {"a key twice", QUANT_ERR_FORMAT, {"\"n\"", "twice"}, gguf_keys({kv("n", t_u32, u32(1)), kv("n", t_u32, u32(1))})},
        {"a key twice with other types", QUANT_ERR_FORMAT, {"\"n\"", "twice"},
         gguf_keys({kv("n", t_u32, u32(1)), kv("n", t_text, text("abc"))})},
        {"a key of 2^64-1 bytes", QUANT_ERR_TRUNCATED, {"key 1"}, header(3, 0, 1) + u64(huge) + std::string(30, 'k')},
        {"a key of 2^63 bytes", QUANT_ERR_TRUNCATED, {"key 1"}, header(3, 0, 1) + u64(huge / 2 + 1) + std::string(30, 'k')},
        {"a key of 2^30 bytes", QUANT_ERR_TRUNCATED, {"key 1"}, header(3, 0, 1) + u64(1 << 30) + std::string(30, 'k')},
    };
}

std::vector<Malformed> value_cases() {
    return {
        {"metadata type 13", QUANT_ERR_UNSUPPORTED, {"\"k\"", "13"}, one_key(13, u64(0))},
        {"metadata type -1", QUANT_ERR_UNSUPPORTED, {"\"k\"", "-1"}, one_key(0xffffffff, u64(0))},
        {"metadata type 2^31", QUANT_ERR_UNSUPPORTED, {"\"k\""}, one_key(0x80000000, u64(0))},
        {"a bool of 2", QUANT_ERR_FORMAT, {"\"k\"", "bool"}, one_key(t_bool, "\x02")},
        {"a bool of 255 in an array", QUANT_ERR_FORMAT, {"\"k\"", "bool"}, one_key(t_array, array(t_bool, 2, "\x01\xff"))},
        {"a u64 of four bytes", QUANT_ERR_TRUNCATED, {"\"k\""}, one_key(t_u64, u32(0))},
        {"an f64 of nothing", QUANT_ERR_TRUNCATED, {}, one_key(t_f64, "")},
        {"a string of 2^64-1 bytes", QUANT_ERR_TRUNCATED, {"\"k\""}, one_key(t_text, u64(huge) + "abc")},
        {"a string of 2^64-8 bytes", QUANT_ERR_TRUNCATED, {"\"k\""}, one_key(t_text, u64(huge - 7) + "abc")},
        {"a string of 2^30 bytes", QUANT_ERR_TRUNCATED, {"\"k\""}, one_key(t_text, u64(1 << 30) + "abc")},
        {"a string one byte short", QUANT_ERR_TRUNCATED, {"\"k\""}, one_key(t_text, u64(4) + "abc")},
    };
}

std::vector<Malformed> array_cases() {
    const auto array_of = [](uint32_t type, uint64_t count, const std::string &payload) {
        return one_key(t_array, array(type, count, payload));
    };
    return {
        {"2^61 u64", QUANT_ERR_LIMIT, {"\"k\""}, array_of(t_u64, two_to_61, u64(1))},
        {"2^64-1 u8", QUANT_ERR_LIMIT, {"\"k\""}, array_of(t_u8, huge, "x")},
        {"2^62 f32, whose bytes wrap to 0", QUANT_ERR_LIMIT, {"\"k\""}, array_of(t_f32, two_to_61 * 2, "x")},
        {"2^32 strings", QUANT_ERR_LIMIT, {"\"k\""}, array_of(t_text, uint64_t{1} << 32, u64(0))},
        {"2^32 arrays", QUANT_ERR_LIMIT, {"\"k\""}, array_of(t_array, uint64_t{1} << 32, array(t_u8, 0, ""))},
        {"2^32 bools", QUANT_ERR_LIMIT, {"\"k\""}, array_of(t_bool, uint64_t{1} << 32, "\x01")},
        {"2^24 strings in a small file", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_text, 1 << 24, u64(0))},
        {"2^24 u8 in a small file", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_u8, 1 << 24, "x")},
        {"2^24 bools in a small file", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_bool, 1 << 24, "\x01")},
        {"2^24 arrays in a small file", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_array, 1 << 24, array(t_u8, 0, ""))},
        {"more elements than the file's budget", QUANT_ERR_LIMIT, {"\"k\"", "together"},
         array_of(t_array, 2, array(t_u8, 1 << 23, std::string(1 << 23, 'x')) + array(t_u8, 1 << 23, ""))},
        {"one float too few", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_f32, 3, std::string(11, 'x'))},
        {"the second string is missing", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_text, 2, text("abcdefgh"))},
        {"the second string is too long", QUANT_ERR_TRUNCATED, {"\"k\""}, array_of(t_text, 2, text("a") + u64(huge))},
        {"elements of type 13", QUANT_ERR_UNSUPPORTED, {"\"k\"", "13"}, array_of(13, 1, "x")},
        {"elements of type -1", QUANT_ERR_UNSUPPORTED, {"\"k\"", "-1"}, array_of(0xffffffff, 0, "")},
        {"five levels", QUANT_ERR_LIMIT, {"\"k\"", "nested"}, one_key(t_array, nested(5))},
        {"1000 levels", QUANT_ERR_LIMIT, {"\"k\"", "nested"}, one_key(t_array, nested(1000))},
        {"an array header cut", QUANT_ERR_TRUNCATED, {"\"k\""}, one_key(t_array, u32(t_u8) + u32(0))},
    };
}

std::vector<Malformed> alignment_cases() {
    const std::vector<std::string> words = {"general.alignment", "power of two"};
    return {
        {"alignment 0", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(0))},
        {"alignment 1", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(1))},
        {"alignment 3", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(3))},
        {"alignment 48", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(48))},
        {"alignment 2^17", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(1 << 17))},
        {"alignment 2^31", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(1u << 31))},
        {"alignment 2^32-1", QUANT_ERR_FORMAT, words, aligned(t_u32, u32(0xffffffff))},
        {"alignment of type i32", QUANT_ERR_FORMAT, words, aligned(t_i32, u32(32))},
        {"alignment of type u64", QUANT_ERR_FORMAT, words, aligned(t_u64, u64(32))},
        {"alignment as a string", QUANT_ERR_FORMAT, words, aligned(t_text, text("32"))},
        {"alignment as an array", QUANT_ERR_FORMAT, words, aligned(t_array, array(t_u32, 1, u32(32)))},
    };
}

std::vector<Malformed> shape_cases() {
    const std::vector<std::string> overflow = {"a.weight", "overflows"};
    constexpr uint64_t half = uint64_t{1} << 32;
    return {
        {"an empty name", QUANT_ERR_FORMAT, {"tensor 1", "empty"}, gguf_tensors({tensor("", {8}, 0, 0)}, 64)},
        {"a name with NUL", QUANT_ERR_FORMAT, {"\\x00"}, gguf_tensors({tensor(std::string("a\0b", 3), {8}, 0, 0)}, 64)},
        {"a name that is no UTF-8", QUANT_ERR_FORMAT, {"\\xc3"}, gguf_tensors({tensor("\xc3", {8}, 0, 0)}, 64)},
        {"a name of 128 bytes", QUANT_ERR_FORMAT, {"128"}, gguf_tensors({tensor(std::string(128, 'n'), {8}, 0, 0)}, 64)},
        {"a name of 2^64-1 bytes", QUANT_ERR_TRUNCATED, {"tensor 1"}, header(3, 1, 0) + u64(huge) + std::string(64, 'n')},
        {"a name twice", QUANT_ERR_FORMAT, {"\"a\"", "twice"}, gguf_tensors({plain, tensor("a", {8}, 0, 32)}, 64)},
        {"5 dimensions", QUANT_ERR_FORMAT, {"a.weight", "5 dimensions"}, one_tensor({1, 1, 1, 1, 1}, 0)},
        {"2^32-1 dimensions", QUANT_ERR_FORMAT, {"dimensions"},
         header(3, 1, 0) + text("a") + u32(0xffffffff) + std::string(64, 'x')},
        {"a dimension of 0", QUANT_ERR_FORMAT, {"a.weight", "0"}, one_tensor({4, 0}, 0)},
        {"a row of 0", QUANT_ERR_FORMAT, {"a.weight", "0"}, one_tensor({0, 4}, 0)},
        {"a product that wraps to 0", QUANT_ERR_FORMAT, overflow, one_tensor({half, half}, 0)},
        {"a product that wraps to the true size", QUANT_ERR_FORMAT, overflow, one_tensor({8, two_to_61 + 1}, 0)},
        {"a dimension of 2^64-1", QUANT_ERR_FORMAT, overflow, one_tensor({huge}, 0)},
        {"a dimension of 2^63", QUANT_ERR_FORMAT, overflow, one_tensor({huge / 2 + 1}, 0)},
        {"bytes that wrap", QUANT_ERR_FORMAT, overflow, one_tensor({two_to_61, 2}, 0)},
        {"four dimensions that wrap", QUANT_ERR_FORMAT, overflow, one_tensor({65536, 65536, 65536, 65536}, 1)},
        {"a row of no whole block", QUANT_ERR_FORMAT, {"a.weight", "Q4_K", "255"}, one_tensor({255}, 12)},
        {"a row of one weight in Q8_0", QUANT_ERR_FORMAT, {"a.weight", "Q8_0"}, one_tensor({1, 32}, 8)},
        {"a scalar in Q4_0", QUANT_ERR_FORMAT, {"a.weight", "Q4_0"}, one_tensor({}, 2)},
    };
}

std::vector<Malformed> place_cases() {
    std::vector<Malformed> cases = {
        {"the offset is not aligned", QUANT_ERR_FORMAT, {"a.weight", "alignment 32"}, one_tensor({8}, 0, 16)},
        {"the offset is 2^64-32", QUANT_ERR_TRUNCATED, {"a.weight"}, one_tensor({8}, 0, huge - 31)},
        {"the offset is 2^40", QUANT_ERR_TRUNCATED, {"a.weight"}, one_tensor({8}, 0, uint64_t{1} << 40)},
        {"the offset is the file's end", QUANT_ERR_TRUNCATED, {"a.weight"}, one_tensor({8}, 0, 256)},
        {"the data is one byte short", QUANT_ERR_TRUNCATED, {"a.weight"}, one_tensor({64}, 0, 0, 255)},
        {"there is no data", QUANT_ERR_TRUNCATED, {"a.weight"}, one_tensor({8}, 0, 0, 0)},
        {"a tensor of 2^50 bytes", QUANT_ERR_TRUNCATED, {"a.weight"}, one_tensor({uint64_t{1} << 48}, 0)},
        {"two tensors in one place", QUANT_ERR_FORMAT, {"overlap"}, gguf_tensors({plain, tensor("b", {8}, 0, 0)}, 64)},
        {"two tensors that overlap", QUANT_ERR_FORMAT, {"\"b\"", "overlap", "\"a\""},
         gguf_tensors({tensor("a", {16}, 0, 0), tensor("b", {8}, 0, 32)}, 64)},
        {"overlap against the order of the list", QUANT_ERR_FORMAT, {"\"b\"", "overlap", "\"a\""},
         gguf_tensors({tensor("b", {8}, 0, 32), tensor("a", {16}, 0, 0)}, 64)},
    };
    for (const uint32_t type : {4u, 5u, 31u, 32u, 33u, 36u, 37u, 38u, 256u, 1000u})
        cases.push_back({"a type that is none", QUANT_ERR_UNSUPPORTED, {"a.weight", fmt::format("type {}", type)},
                         one_tensor({256}, type)});
    cases.push_back({"type -1", QUANT_ERR_UNSUPPORTED, {"a.weight", "type -1"}, one_tensor({256}, 0xffffffff)});
    return cases;
}

std::string small_file() {
    return padded(header(3, 2, 6) +
                  join({kv("general.architecture", t_text, text("test")), kv("general.alignment", t_u32, u32(32)),
                        kv("a.flags", t_array, array(t_bool, 2, std::string("\0\1", 2))),
                        kv("a.names", t_array, array(t_text, 2, text("x") + text("yz"))),
                        kv("a.deep", t_array, array(t_array, 2, array(t_u16, 1, u16(5)) + array(t_u8, 0, ""))),
                        kv("a.f", t_f32, raw(1.5f)), tensor("one", {4, 2}, 0, 0), tensor("two", {32, 1}, 8, 32)})) +
           std::string(32 + 34, '\x11');
}

} // namespace

TEST_CASE("malformed GGUF headers and keys are refused by name") {
    require_all_refused(parse_gguf, header_cases());
    require_all_refused(parse_gguf, key_cases());
}

TEST_CASE("malformed GGUF metadata values are refused by key") {
    require_all_refused(parse_gguf, value_cases());
    require_all_refused(parse_gguf, array_cases());
    require_all_refused(parse_gguf, alignment_cases());
}

TEST_CASE("malformed GGUF tensors are refused by name") {
    require_all_refused(parse_gguf, shape_cases());
    require_all_refused(parse_gguf, place_cases());
}

TEST_CASE("a GGUF file cut at any byte is refused") {
    const std::string bytes = small_file();
    REQUIRE(parse_exact(parse_gguf, bytes).tensors.size() == 2);
    require_prefixes_refused(parse_gguf, bytes, bytes.size());
}

TEST_CASE("a GGUF file with flipped bytes is parsed or refused") {
    survive_mutations(parse_gguf, small_file(), 20000, 20240611);
}
