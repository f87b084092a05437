// The float parts of compressed-tensors, whatever finds the modules; and EXL3.
#include "checkpoint_support.h"

#include "base/json.h"
#include "container/checkpoint_parts.h"

#include <algorithm>
#include <cmath>

using namespace quant;
using namespace quant::test;

namespace {

std::shared_ptr<const Container> read_modules(const std::filesystem::path &path, const std::vector<std::string> &modules) {
    const json::value config = json::parse("{}", "config.json");
    const json::Reader reader(config, "config.json");
    CheckpointBuilder builder(Container::open(path), reader);
    for (const std::string &module : modules) read_ct_float(builder, module);
    return builder.finish();
}

std::shared_ptr<const Container> read_module(const ScratchFolder &folder, const Pieces &pieces) {
    write_pieces(folder, pieces);
    return read_modules(folder / "model.safetensors", {"x"});
}

// Two rows of `cols`, low nibble 2 (1.0), high nibble 15 (-6); scales 1 and divisor 4.
Pieces nvfp4(uint64_t cols) {
    return {{"x.weight_packed", {"U8", {2, cols / 2}, std::string(cols, '\xf2')}},
            {"x.weight_scale", {"F8_E4M3", {2, cols / 16}, std::string(cols / 8, '\x38')}},
            {"x.weight_global_scale", {"F32", {1}, floats({4})}},
            {"x.input_global_scale", {"F32", {1}, floats({4})}}};
}

void require_module_refused(Pieces pieces, const std::string &word) {
    INFO(word);
    const ScratchFolder folder;
    try {
        read_module(folder, pieces);
        FAIL("accepted");
    } catch (const Error &e) {
        REQUIRE_THAT(std::string(e.what()), Catch::Contains(word) && Catch::Contains("model.safetensors"));
    }
}

} // namespace

TEST_CASE("NVFP4 of compressed-tensors is divided by its global scale") {
    const std::pair<uint64_t, quant_encoding> sizes[] = {
        {256, QUANT_NVFP4_G256}, {192, QUANT_NVFP4_G64}, {96, QUANT_NVFP4_G32}, {48, QUANT_F32}};
    for (const auto &[cols, encoding] : sizes) {
        const ScratchFolder folder;
        const auto container = read_module(folder, nvfp4(cols));
        REQUIRE(container->tensors().size() == 1);
        const TensorInfo &w = container->require("x.weight");
        REQUIRE(w.encoding->id == encoding);
        const std::vector<float> x = container->decode(w);
        for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == (i % 2 ? -1.5f : 0.25f));
    }
    Pieces p = nvfp4(256);
    p.erase("x.weight_scale");
    require_module_refused(p, "x.weight_scale");
    p = nvfp4(256);
    p["x.weight_scale"] = {"F8_E4M3", {2, 8}, std::string(16, '8')};
    require_module_refused(p, "[2, 16]");
    p = nvfp4(256);
    p["x.weight_global_scale"] = {"F32", {1}, floats({0})};
    require_module_refused(p, "x.weight_global_scale");
    p = nvfp4(256);
    p["x.weight_packed"].shape = {256};
    require_module_refused(p, "x.weight_packed");
}

TEST_CASE("MXFP4 of compressed-tensors is MXFP4") {
    const Pieces good = {{"x.weight_packed", {"U8", {2, 32}, std::string(64, '\x42')}},
                         {"x.weight_scale", {"U8", {2, 2}, "\x7f\x80\x7e\x7f"}}};
    const ScratchFolder folder;
    const auto container = read_module(folder, good);
    const TensorInfo &w = container->require("x.weight");
    REQUIRE(w.encoding->id == QUANT_MXFP4);
    const float scales[] = {1, 2, 0.5f, 1};
    const std::vector<float> x = container->decode(w);
    for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == scales[i / 32] * (i % 2 ? 2.0f : 1.0f));
    Pieces p = good;
    p["x.weight_scale"] = {"U8", {2, 1}, "ab"};
    require_module_refused(p, "[2, 2]");
}

TEST_CASE("8-bit floats of compressed-tensors take scales of groups, and leave those of activations out") {
    const Pieces good = {{"x.weight", {"F8_E4M3", {2, 64}, std::string(128, '\x38')}},
                         {"x.weight_scale", {"BF16", {2, 2}, std::string("\x80\x3f\x00\x40\x40\x40\x80\x40", 8)}},
                         {"x.input_scale", {"BF16", {1}, "ab"}}};
    const ScratchFolder folder;
    const auto container = read_module(folder, good);
    REQUIRE(container->tensors().size() == 1);
    const std::vector<float> x = container->decode(container->require("x.weight"));
    for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == static_cast<float>(i / 32 + 1));
    Pieces p = good;
    p.erase("x.weight_scale");
    require_module_refused(p, "x.weight_scale");
}

TEST_CASE("what compressed-tensors' library dequantizes is read to the bit") {
    for (const char *name : {"ct-fp8-channel-dynamic", "ct-fp8-tensor-static", "ct-nvfp4"}) {
        const auto folder = shared(std::string("fixtures/quant/") + name);
        if (folder.empty()) {
            WARN("no fixtures");
            return;
        }
        INFO(name);
        const json::value document = json::parse(read_file(folder / "golden/golden.json"), "golden.json");
        std::vector<std::string> modules;
        for (const json::value &v : document.at("dequantized_tensors").as_array()) {
            const std::string tensor = json::Reader(v, "tensor").require_string("name");
            modules.push_back(tensor.substr(0, tensor.size() - std::string_view(".weight").size()));
        }
        REQUIRE(!modules.empty());
        const auto container = read_modules(folder / "model.safetensors", modules);
        for (const json::value &v : document.at("dequantized_tensors").as_array()) {
            const json::Reader entry(v, "tensor");
            INFO(entry.require_string("name"));
            const auto expected = read_array<float>(folder / "golden" / entry.require_string("file"));
            const auto found = container->decode(container->require(entry.require_string("name")));
            REQUIRE(expected.size() <= found.size());
            REQUIRE(std::equal(expected.begin(), expected.end(), found.begin()));
        }
    }
}

TEST_CASE("EXL3's trellises have the weights of two independent readings") {
    const auto folder = shared("fixtures/tensor/exl3");
    if (folder.empty()) {
        WARN("no fixtures");
        return;
    }
    const json::value config = json::parse(R"({"quantization_config":{"quant_method":"exl3"}})", "config.json");
    const auto container =
        open_checkpoint(Container::open(folder / "tensors.safetensors"), json::Reader(config, "config.json"));
    const json::value document = json::parse(read_file(folder / "golden.json"), "golden.json");
    for (const json::value &v : document.at("tensors").as_array()) {
        const json::Reader entry(v, "tensor");
        const std::string key = entry.require_string("key");
        INFO(key);
        const uint64_t in = entry.require_uint("in_features"), out = entry.require_uint("out_features");
        const TensorInfo &w = container->require(key + ".weight");
        REQUIRE(w.shape == std::vector<uint64_t>{out, in});
        const auto expected = read_array<float>(folder / entry.require_string("weight_file"));
        const auto found = container->decode(w);
        REQUIRE(found.size() == expected.size());
        float most = 0, off = 0;
        for (uint64_t r = 0; r < out; r++)
            for (uint64_t c = 0; c < in; c++) {
                most = std::max(most, std::abs(expected[c * out + r]));
                off = std::max(off, std::abs(expected[c * out + r] - found[r * in + c]));
            }
        REQUIRE(most > 0);
        REQUIRE(off <= 1e-6f * most);
    }
}

TEST_CASE("EXL3 pieces that do not fit are refused") {
    const Pieces good = {{"x.trellis", {"I16", {8, 8, 32}, std::string(4096, 'a')}},
                         {"x.suh", {"F16", {128}, std::string(256, '\x3c')}},
                         {"x.svh", {"F16", {128}, std::string(256, '\x3c')}}};
    const std::string config = R"({"quant_method":"exl3"})";
    const ScratchFolder folder;
    REQUIRE(open_pieces(folder, good, config)->require("x.weight").shape == std::vector<uint64_t>{128, 128});
    require_pieces_refused(good, config,
                           {{"no suh", {"x.suh"}, [](Pieces &p) { p.erase("x.suh"); }},
                            {"svh too short",
                             {"x.svh", "[64]", "[128]"},
                             [](Pieces &p) {
                                 p["x.svh"] = {"F16", {64}, std::string(128, 'a')};
                             }},
                            {"tiles of 31 words",
                             {"x.trellis", "31"},
                             [](Pieces &p) {
                                 p["x.trellis"] = {"I16", {8, 8, 31}, std::string(3968, 'a')};
                             }},
                            {"rows that are no multiple of 128",
                             {"x.trellis", "128"},
                             [](Pieces &p) {
                                 p["x.trellis"] = {"I16", {8, 4, 32}, std::string(2048, 'a')};
                             }},
                            {"two dimensions",
                             {"x.trellis"},
                             [](Pieces &p) {
                                 p["x.trellis"].shape = {64, 32};
                             }},
                            {"floats", {"x.trellis", "F16"}, [](Pieces &p) { p["x.trellis"].dtype = "F16"; }},
                            {"another factor", {"x.mcg"}, [](Pieces &p) {
                                 p["x.mcg"] = {"I32", {}, "abcd"};
                             }}});
}

TEST_CASE("what is declared of activations is told in words") {
    const auto declared = [](const char *text) {
        const json::value v = json::parse(text, "config.json");
        return declared_activations(json::Reader(v, "config.json"));
    };
    REQUIRE(declared(R"({"quant_method":"gptq"})").empty());
    REQUIRE(declared(R"({"quant_method":"fp8","activation_scheme":"dynamic"})") == "8-bit floats");
    REQUIRE(declared(R"({"quant_method":"bitsandbytes","load_in_4bit":true})").empty());
    REQUIRE(declared(R"({"quant_method":"bitsandbytes","load_in_8bit":true})") == "8-bit whole numbers");
    REQUIRE(
        declared(R"({"quant_method":"compressed-tensors","config_groups":{"g":{"input_activations":null}}})").empty());
    REQUIRE(declared(R"({"quant_method":"compressed-tensors","config_groups":
        {"g":{"input_activations":{"num_bits":4,"type":"float"}}}})") == "4-bit floats");
}
