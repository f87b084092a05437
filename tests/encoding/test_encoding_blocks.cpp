// Decoding against recorded blocks, bit for bit, and encoding against the error that
// the reference quantizer reached on the same input.
#include "encoding_test_support.h"

#include "base/json.h"

#include <cmath>
#include <bit>

using namespace quant;
using namespace quant::test;

namespace {

json::value manifest_of_blocks() {
    return json::parse(read_file(data("blocks/manifest.json")), "blocks/manifest.json");
}

// Encodings that the manifest lists: GGUF's. F32 is a copy and needs no recording.
std::vector<const EncodingTraits *> recorded() {
    std::vector<const EncodingTraits *> out;
    for (const EncodingTraits &e : encodings())
        if (e.id != QUANT_F32 && e.id < 256) out.push_back(&e);
    return out;
}

} // namespace

TEST_CASE("every encoding of GGUF files but F32 is recorded with its block") {
    const json::value root = manifest_of_blocks();
    const json::Reader types = json::Reader(root, "blocks/manifest.json").require_object("types");
    for (const EncodingTraits *e : recorded()) {
        INFO(e->name);
        const json::Reader type = types.require_object(e->name);
        REQUIRE(type.require_uint("ggml_type") == static_cast<uint64_t>(e->id));
        REQUIRE(type.require_uint("block") == e->block_weights);
        REQUIRE(type.require_uint("bytes") == e->block_bytes);
    }
}

TEST_CASE("decoding gives the recorded bit patterns, also from random bytes") {
    const json::value root = manifest_of_blocks();
    const json::Reader types = json::Reader(root, "blocks/manifest.json").require_object("types");
    for (const EncodingTraits *e : recorded())
        for (const std::string kind : {"", ".weighted", ".random"}) {
            // The reference refuses to write some without importance.
            if (kind.empty() && types.require_object(e->name).get_bool("needs_importance", false)) continue;
            const std::string name = "blocks/" + std::string(e->name) + kind;
            INFO(name);
            const auto bytes = read_array<std::byte>(data(name + ".bin"));
            const auto expected = read_array<uint32_t>(data(name + ".f32"));
            REQUIRE(bytes.size() % e->block_bytes == 0);
            const auto got = decoded(*e, bytes, 1, bytes.size() / e->block_bytes * e->block_weights);
            REQUIRE(got.size() == expected.size());
            size_t wrong = 0;
            for (size_t i = 0; i < got.size(); i++) {
#if defined(__SANITIZE_ADDRESS__)
                // With little optimization the compiler may swap factors, and with them whose NaN it is.
                if (std::isnan(got[i]) && std::isnan(std::bit_cast<float>(expected[i]))) continue;
#endif
                wrong += std::bit_cast<uint32_t>(got[i]) != expected[i];
            }
            REQUIRE(wrong == 0);
        }
}

TEST_CASE("encoding loses no more than the reference quantizer") {
    const json::value root = manifest_of_blocks();
    const json::Reader manifest(root, "blocks/manifest.json");
    const json::Reader types = manifest.require_object("types");
    const uint64_t rows = manifest.require_uint("rows");
    const auto x = read_array<float>(data("blocks/input.f32"));
    const auto importance = read_array<float>(data("blocks/importance.f32"));
    REQUIRE(x.size() == rows * manifest.require_uint("cols"));
    for (const EncodingTraits *e : recorded()) {
        if (e->is_float()) continue; // One right answer: below.
        const json::Reader type = types.require_object(e->name);
        // Where the bytes are the same, so must the errors be, however they were summed up.
        const auto listed = [&](const char *key) { return type.get_number(key, 0) * (1 + 1e-7); };
        INFO(e->name);
        if (!type.get_bool("needs_importance", false)) {
            const auto searched = there_and_back(*e, QUANT_METHOD_SEARCH, x, {}, rows);
            CHECK(rmse(x, searched, {}) <= listed("rmse"));
            CHECK(rmse(x, searched, importance) <= listed("wrmse"));
        }
        const auto weighted = there_and_back(*e, QUANT_METHOD_IMPORTANCE, x, importance, rows);
        CHECK(rmse(x, weighted, {}) <= listed("rmse_weighted"));
        CHECK(rmse(x, weighted, importance) <= listed("wrmse_weighted"));
    }
}

TEST_CASE("floats are rounded to the recorded bytes") {
    const auto x = read_array<float>(data("blocks/input.f32"));
    for (const EncodingTraits *e : recorded()) {
        if (!e->is_float()) continue;
        INFO(e->name);
        const auto expected = read_array<std::byte>(data("blocks/" + std::string(e->name) + ".bin"));
        for (const quant_method method : {QUANT_METHOD_ROUND, QUANT_METHOD_SEARCH})
            REQUIRE(encoded(*e, method, x, {}, 8) == expected);
    }
}
