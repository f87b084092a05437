// The table of encodings, and arguments that must be refused with a sentence that
// says what was expected.
#include "encoding_test_support.h"

#include <limits>

using namespace quant;
using namespace quant::test;

namespace {

const EncodingTraits &q4_k() { return encoding_traits(QUANT_Q4_K); }

void encode(const std::vector<float> &x, const std::vector<float> &importance, size_t out_bytes,
            quant_method method = QUANT_METHOD_DEFAULT, uint64_t cols = 256) {
    std::vector<std::byte> out(out_bytes);
    encode_matrix(q4_k(), method, x, importance, 1, cols, out);
}

} // namespace

TEST_CASE("the table is ascending and found by number and by name in any case") {
    uint32_t last = 0;
    for (const EncodingTraits &e : encodings()) {
        INFO(e.name);
        REQUIRE((e.id == QUANT_F32 || static_cast<uint32_t>(e.id) > last));
        last = static_cast<uint32_t>(e.id);
        REQUIRE(find_encoding(last) == &e);
        REQUIRE(find_encoding(std::string_view(e.name)) == &e);
        std::string lower = e.name;
        for (char &c : lower) c = static_cast<char>(std::tolower(c));
        REQUIRE(find_encoding(std::string_view(lower)) == &e);
        REQUIRE(&encoding_traits(e.id) == &e);
        REQUIRE(e.bits_per_weight() == 8.0 * e.block_bytes / e.block_weights);
        REQUIRE(std::string_view(e.summary).size() > 10);
    }
    REQUIRE(encodings().size() == 73);
}

TEST_CASE("numbers and names that are none are not found") {
    for (const uint32_t id : {4u, 5u, 9u, 31u, 255u, 0xffffffffu}) REQUIRE(find_encoding(id) == nullptr);
    for (const std::string_view name : {"", "Q4", "Q4_K_M", "Q4_KK", " Q4_K", "Q9_9"})
        REQUIRE(find_encoding(name) == nullptr);
    require_error(QUANT_ERR_UNSUPPORTED, {"31"}, [] { encoding_traits(static_cast<quant_encoding>(31)); });
}

TEST_CASE("sizes are blocks times bytes, and impossible ones are refused") {
    REQUIRE(encoded_bytes(q4_k(), 3, 512) == 3 * 2 * 144);
    REQUIRE(encoded_bytes(q4_k(), 0, 512) == 0);
    REQUIRE(encoded_bytes(q4_k(), 5, 0) == 0);
    REQUIRE(encoded_bytes(encoding_traits(QUANT_F32), 7, 5) == 140);
    require_error(QUANT_ERR_ARGUMENT, {"255", "Q4_K", "256"}, [] { encoded_bytes(q4_k(), 1, 255); });
    const uint64_t many = uint64_t{1} << 62;
    require_error(QUANT_ERR_ARGUMENT, {"Q4_K"}, [&] { encoded_bytes(q4_k(), many, 256); });
    require_error(QUANT_ERR_ARGUMENT, {"F32"}, [&] { encoded_bytes(encoding_traits(QUANT_F32), 1, many); });
    require_error(QUANT_ERR_ARGUMENT, {"F32"}, [&] { encoded_bytes(encoding_traits(QUANT_F32), many, many); });
}

TEST_CASE("weights must be finite") {
    for (const float bad : {NAN, INFINITY, -INFINITY}) {
        std::vector<float> x(512, 1.0f);
        x[300] = bad;
        std::vector<std::byte> out(288);
        require_error(QUANT_ERR_ARGUMENT, {"row 1", "column 44", "finite"},
                      [&] { encode_matrix(q4_k(), QUANT_METHOD_SEARCH, x, {}, 2, 256, out); });
    }
}

TEST_CASE("importance must be finite, not negative, and one for each column") {
    const std::vector<float> x(256, 1.0f);
    for (const float bad : {-1.0f, NAN, INFINITY}) {
        std::vector<float> importance(256, 1.0f);
        importance[17] = bad;
        require_error(QUANT_ERR_ARGUMENT, {"column 17", "at least 0"}, [&] { encode(x, importance, 144); });
        require_error(QUANT_ERR_ARGUMENT, {"column 17"}, [&] { encode(x, importance, 144, QUANT_METHOD_ROUND); });
    }
    require_error(QUANT_ERR_ARGUMENT, {"255", "256 columns"}, [&] { encode(x, std::vector<float>(255, 1.0f), 144); });
}

TEST_CASE("buffers must have the size of the matrix") {
    const std::vector<float> x(256, 1.0f);
    for (const size_t bytes : {0, 143, 145, 288})
        require_error(QUANT_ERR_ARGUMENT, {std::to_string(bytes), "expected 144"}, [&] { encode(x, {}, bytes); });
    require_error(QUANT_ERR_ARGUMENT, {"255", "256"}, [&] { encode(std::vector<float>(255), {}, 144); });
    require_error(QUANT_ERR_ARGUMENT, {"multiple of 256"},
                  [&] { encode(std::vector<float>(100), {}, 144, QUANT_METHOD_ROUND, 100); });

    const std::vector<std::byte> in(143);
    std::vector<float> out(256);
    require_error(QUANT_ERR_ARGUMENT, {"143", "expected 144"}, [&] { decode_matrix(q4_k(), in, 1, 256, out); });
    const std::vector<std::byte> whole(144);
    out.resize(255);
    require_error(QUANT_ERR_ARGUMENT, {"255", "256"}, [&] { decode_matrix(q4_k(), whole, 1, 256, out); });
    // Rows whose product with columns wraps around to what was given.
    require_error(QUANT_ERR_ARGUMENT, {"Q4_K"}, [&] { decode_matrix(q4_k(), {}, uint64_t{1} << 57, 256, {}); });
}

TEST_CASE("methods must be known, and importance given where it is asked for") {
    const std::vector<float> x(256, 1.0f);
    require_error(QUANT_ERR_ARGUMENT, {"importance"}, [&] { encode(x, {}, 144, QUANT_METHOD_IMPORTANCE); });
    require_error(QUANT_ERR_ARGUMENT, {"feedback", "second moments"},
                  [&] { encode(x, x, 144, QUANT_METHOD_FEEDBACK); });
    require_error(QUANT_ERR_ARGUMENT, {"best", "second moments"}, [&] { encode(x, x, 144, QUANT_METHOD_BEST); });
    for (const int bad : {-1, 6, 1000})
        require_error(QUANT_ERR_ARGUMENT, {std::to_string(bad), "0 to 3"},
                      [&] { encode(x, {}, 144, static_cast<quant_method>(bad)); });
}

TEST_CASE("the default method is importance where it is given, else search") {
    const auto x = samples(512, 21).front().x;
    const auto importance = sample_importance(512, 22);
    for (const EncodingTraits &e : encodings()) {
        INFO(e.name);
        REQUIRE(encoded(e, QUANT_METHOD_DEFAULT, x, {}, 1) == encoded(e, QUANT_METHOD_SEARCH, x, {}, 1));
        REQUIRE(encoded(e, QUANT_METHOD_DEFAULT, x, importance, 1) ==
                encoded(e, QUANT_METHOD_IMPORTANCE, x, importance, 1));
    }
}

TEST_CASE("importance that is given weighs errors of the search, and is nothing to rounding") {
    const auto x = samples(512, 21).front().x;
    const auto importance = sample_importance(512, 22);
    for (const EncodingTraits &e : encodings()) {
        INFO(e.name);
        REQUIRE(encoded(e, QUANT_METHOD_ROUND, x, importance, 1) == encoded(e, QUANT_METHOD_ROUND, x, {}, 1));
        const auto weighted = [&](const std::vector<float> &columns) {
            std::vector<float> back(x.size());
            decode_matrix(e, encoded(e, QUANT_METHOD_SEARCH, x, columns, 1), 1, x.size(), back);
            double sum = 0;
            for (size_t i = 0; i < x.size(); i++) sum += importance[i] * std::pow(double{x[i]} - back[i], 2);
            return sum;
        };
        REQUIRE(weighted(importance) <= weighted({}));
    }
}

TEST_CASE("an empty matrix is no work and no error") {
    for (const EncodingTraits &e : encodings()) {
        encode_matrix(e, QUANT_METHOD_SEARCH, {}, {}, 0, e.block_weights, {});
        encode_matrix(e, QUANT_METHOD_SEARCH, {}, {}, 4, 0, {});
        decode_matrix(e, {}, 0, e.block_weights, {});
        REQUIRE(encoded_bytes(e, 0, e.block_weights) == 0);
    }
}
