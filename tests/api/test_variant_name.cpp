#include "api/variant_name.h"
#include "test_support.h"

using namespace quant;
using namespace quant::api;

TEST_CASE("names of models and variants are plain") {
    for (const char *good : {"a", "kjv-5m", "Llama-3.2_1B"}) REQUIRE(is_name(good));
    for (const char *bad : {"", ".", "..", "-x", "a/b", "a b", "a:b", "\xC3\xA4", "a\n"}) REQUIRE_FALSE(is_name(bad));
    REQUIRE_FALSE(is_name(std::string(129, 'a')));
    REQUIRE(require_name("a:b").variant == "b");
    REQUIRE(require_name("a").variant == "");
    for (const char *bad : {"a:", ":b", "a:b:c", "a/b:c"})
        test::require_error(QUANT_ERR_ARGUMENT, {"model:variant"}, [&] { require_name(bad); });
}

TEST_CASE("a file's name leads to its model's") {
    const auto model = [](const char *path, const char *type) { return name_from_path(path, type).model; };
    REQUIRE(model("x/SmolLM2-135M-Instruct.Q4_1.gguf", "Q4_1") == "SmolLM2-135M-Instruct");
    REQUIRE(model("big-q4_k_m.gguf", "Q4_K_M") == "big");
    REQUIRE(model("big-Q8_0-00001-of-00003.gguf", "Q8_0") == "big");
    REQUIRE(model("my model (1).gguf", "F16") == "my-model--1-");
    REQUIRE(model(".hidden.gguf", "F16") == "hidden");
    REQUIRE(model("Q4_0.gguf", "Q4_0") == "Q4_0");
    REQUIRE(is_name(model("...gguf", "F16")));
}
