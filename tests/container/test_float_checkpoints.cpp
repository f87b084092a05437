// Checkpoints whose codes are floats or stand for levels: what they make, and pieces that do not fit.
#include "checkpoint_support.h"

#include "container/checkpoint_parts.h"
#include "encoding/float8.h"

#include <cmath>

using namespace quant;
using namespace quant::test;

namespace {

const std::string nf4_config = R"({"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"nf4"})";
const std::string int8_config = R"({"quant_method":"bitsandbytes","load_in_8bit":true})";
const std::string fp8_config = R"({"quant_method":"fp8","weight_block_size":[128,128]})";
const std::string bitnet_config =
    R"({"quant_method":"bitnet","linear_class":"autobitlinear","quantization_mode":"offline"})";
const std::string state_name = "x.weight.quant_state.bitsandbytes__nf4";

std::vector<float> nf4_levels() {
    return {-1.0f,
            -0.6961928009986877f,
            -0.5250730514526367f,
            -0.39491748809814453f,
            -0.28444138169288635f,
            -0.18477343022823334f,
            -0.09105003625154495f,
            0.0f,
            0.07958029955625534f,
            0.16093020141124725f,
            0.24611230194568634f,
            0.33791524171829224f,
            0.44070982933044434f,
            0.5626170039176941f,
            0.7229568362236023f,
            1.0f};
}

Piece text_piece(const std::string &text) { return {"U8", {text.size()}, text}; }
Piece float_piece(const std::vector<float> &v) { return {"F32", {v.size()}, floats(v)}; }

// Codes 15 and 0, over and over; `cols` columns in two rows, blocks of 64.
Pieces nf4(uint64_t cols) {
    const uint64_t bytes = cols, blocks = (2 * cols + 63) / 64;
    std::vector<float> absmax(blocks);
    for (size_t i = 0; i < blocks; i++) absmax[i] = static_cast<float>(i + 1);
    return {
        {"x.weight", {"U8", {bytes, 1}, std::string(bytes, '\xf0')}},
        {"x.weight.absmax", float_piece(absmax)},
        {"x.weight.quant_map", float_piece(nf4_levels())},
        {state_name, text_piece(R"({"quant_type":"nf4","blocksize":64,"shape":[2,)" + std::to_string(cols) + "]}")}};
}

Pieces nf4_double() {
    Pieces p = nf4(64);
    std::vector<float> map(256);
    for (size_t i = 0; i < 256; i++) map[i] = static_cast<float>(i) / 256;
    p["x.weight.absmax"] = {"U8", {2}, std::string("\x40\x80", 2)};
    p["x.weight.nested_quant_map"] = float_piece(map);
    p["x.weight.nested_absmax"] = float_piece({4});
    p[state_name] =
        text_piece(R"({"quant_type":"nf4","blocksize":64,"shape":[2,64],"nested_blocksize":256,"nested_offset":0.5})");
    return p;
}

void set_state(Pieces &p, const std::string &text) { p[state_name] = text_piece(text); }

Pieces float8(uint64_t rows, uint64_t cols, const std::string &type, const std::vector<uint64_t> &scales) {
    uint64_t n = 1;
    for (const uint64_t s : scales) n *= s;
    std::vector<float> values(n);
    for (size_t i = 0; i < n; i++) values[i] = static_cast<float>(i + 1);
    std::string bytes(rows * cols, '\0');
    for (size_t i = 0; i < bytes.size(); i++) bytes[i] = static_cast<char>(i % 256);
    return {{"x.weight", {type, {rows, cols}, bytes}}, {"x.weight_scale_inv", {"F32", scales, floats(values)}}};
}

} // namespace

TEST_CASE("NF4 blocks run over the flattened matrix") {
    struct Case {
        uint64_t cols;
        quant_encoding encoding;
    };
    for (const Case c : {Case{64, QUANT_NF4_G64}, Case{96, QUANT_NF4_G32}, Case{100, QUANT_F32}}) {
        INFO(c.cols);
        const ScratchFolder folder;
        const auto container = open_pieces(folder, nf4(c.cols), nf4_config);
        REQUIRE(container->tensors().size() == 1);
        const TensorInfo &w = container->require("x.weight");
        REQUIRE(w.encoding->id == c.encoding);
        const std::vector<float> x = container->decode(w);
        REQUIRE(x.size() == 2 * c.cols);
        // The high half of a byte comes first.
        for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == static_cast<float>(i / 64 + 1) * (i % 2 ? -1.0f : 1.0f));
    }
}

TEST_CASE("scales quantized again are scales") {
    const ScratchFolder folder;
    const auto container = open_pieces(folder, nf4_double(), nf4_config);
    const std::vector<float> x = container->decode(container->require("x.weight"));
    REQUIRE(x[0] == 64.0f / 256 * 4 + 0.5f);
    REQUIRE(x[64] == 128.0f / 256 * 4 + 0.5f);
}

TEST_CASE("levels that are not the standard's are kept as floats") {
    const ScratchFolder folder;
    Pieces p = nf4(64);
    std::vector<float> levels = nf4_levels();
    levels[15] = 1.5f;
    p["x.weight.quant_map"] = float_piece(levels);
    const auto container = open_pieces(folder, p, nf4_config);
    const TensorInfo &w = container->require("x.weight");
    REQUIRE(w.encoding->id == QUANT_F32);
    REQUIRE(container->decode(w)[0] == 1.5f);
}

TEST_CASE("pieces of bitsandbytes that do not fit are refused") {
    require_pieces_refused(
        nf4(64), nf4_config,
        {{"no absmax", {"x.weight.absmax"}, [](Pieces &p) { p.erase("x.weight.absmax"); }},
         {"no levels", {"quant_map"}, [](Pieces &p) { p.erase("x.weight.quant_map"); }},
         {"no weight", {"x.weight"}, [](Pieces &p) { p.erase("x.weight"); }},
         {"absmax too short", {"absmax", "[1]", "[2]"}, [](Pieces &p) { p["x.weight.absmax"] = float_piece({1}); }},
         {"absmax as bytes",
          {"absmax", "U8"},
          [](Pieces &p) {
              p["x.weight.absmax"] = {"U8", {2}, "ab"};
          }},
         {"15 levels",
          {"quant_map", "[15]"},
          [](Pieces &p) { p["x.weight.quant_map"] = float_piece(std::vector<float>(15)); }},
         {"a byte too few",
          {"x.weight", "63 bytes"},
          [](Pieces &p) {
              p["x.weight"] = {"U8", {63, 1}, std::string(63, 'a')};
          }},
         {"JSON cut off", {"quant_state", "JSON"}, [](Pieces &p) { set_state(p, R"({"quant_type":"nf4","block)"); }},
         {"blocks of nothing",
          {"blocksize", "0"},
          [](Pieces &p) { set_state(p, R"({"quant_type":"nf4","blocksize":0,"shape":[2,64]})"); }},
         {"no blocksize", {"blocksize"}, [](Pieces &p) { set_state(p, R"({"quant_type":"nf4","shape":[2,64]})"); }},
         {"another type",
          {"quant_type", "fp4"},
          [](Pieces &p) { set_state(p, R"({"quant_type":"fp4","blocksize":64,"shape":[2,64]})"); }},
         {"a shape of three",
          {"shape", "3"},
          [](Pieces &p) { set_state(p, R"({"quant_type":"nf4","blocksize":64,"shape":[2,8,8]})"); }},
         {"a shape below zero",
          {"shape"},
          [](Pieces &p) { set_state(p, R"({"quant_type":"nf4","blocksize":64,"shape":[-2,-64]})"); }},
         {"a shape that overflows", {"overflows"}, [](Pieces &p) {
              set_state(p, R"({"quant_type":"nf4","blocksize":64,"shape":[4294967296,4294967296]})");
          }}});
    require_pieces_refused(
        nf4_double(), nf4_config,
        {{"no nested_absmax", {"nested_absmax"}, [](Pieces &p) { p.erase("x.weight.nested_absmax"); }},
         {"no nested_quant_map", {"nested_quant_map"}, [](Pieces &p) { p.erase("x.weight.nested_quant_map"); }},
         {"a nested blocksize of 0", {"nested_blocksize"}, [](Pieces &p) {
              set_state(p,
                        R"({"quant_type":"nf4","blocksize":64,"shape":[2,64],"nested_blocksize":0,"nested_offset":1})");
          }}});
    require_pieces_refused(nf4(64),
                           R"({"quant_method":"bitsandbytes","load_in_4bit":true,"bnb_4bit_quant_type":"fp4"})",
                           {{"a config of another type", {"quant_type", "bnb_4bit_quant_type"}, [](Pieces &) {}}});
}

TEST_CASE("LLM.int8() has a scale for a row") {
    const Pieces good = {{"x.weight", {"I8", {2, 32}, std::string(32, '\x7f') + std::string(32, '\x81')}},
                         {"x.SCB", float_piece({0.5f, 3})},
                         {"x.weight_format", {"U8", {}, std::string(1, '\0')}}};
    const ScratchFolder folder;
    const auto container = open_pieces(folder, good, int8_config);
    REQUIRE(container->tensors().size() == 1);
    const std::vector<float> x = container->decode(container->require("x.weight"));
    REQUIRE(x[0] == 0.5f);
    REQUIRE(x[63] == -3);
    require_pieces_refused(
        good, int8_config,
        {{"no weight", {"x.weight"}, [](Pieces &p) { p.erase("x.weight"); }},
         {"one scale", {"x.SCB", "[1]", "[2]"}, [](Pieces &p) { p["x.SCB"] = float_piece({1}); }},
         {"bytes without sign", {"x.weight", "U8"}, [](Pieces &p) { p["x.weight"].dtype = "U8"; }},
         {"tiles for a GPU", {"weight_format", "2"}, [](Pieces &p) { p["x.weight_format"].bytes = "\x02"; }}});
}

TEST_CASE("8-bit floats have a scale per tensor, row or block") {
    struct Case {
        uint64_t rows, cols;
        std::vector<uint64_t> scales;
        quant_encoding encoding;
        uint64_t block_rows, block_cols;
    };
    for (const Case &c : {Case{2, 128, {}, QUANT_E4M3_G128, 2, 128}, Case{3, 160, {3, 1}, QUANT_E4M3_G32, 1, 160},
                          Case{130, 160, {2, 2}, QUANT_E4M3_G32, 128, 128},
                          Case{2, 256, {1, 2}, QUANT_E4M3_G128, 128, 128}, Case{2, 20, {2}, QUANT_F32, 1, 20}}) {
        INFO(c.rows << " x " << c.cols);
        const ScratchFolder folder;
        const auto container = open_pieces(folder, float8(c.rows, c.cols, "F8_E4M3", c.scales), fp8_config);
        REQUIRE(container->tensors().size() == 1);
        const TensorInfo &w = container->require("x.weight");
        REQUIRE(w.encoding->id == c.encoding);
        const std::vector<float> x = container->decode(w);
        const uint64_t across = (c.cols + c.block_cols - 1) / c.block_cols;
        for (size_t i = 0; i < x.size(); i++) {
            const auto scale = static_cast<float>(i / c.cols / c.block_rows * across + i % c.cols / c.block_cols + 1);
            const float expected = f32_from_e4m3(static_cast<uint8_t>(i)) * scale;
            if (i % 128 == 127)
                REQUIRE(std::isnan(x[i]));
            else
                REQUIRE(x[i] == expected);
        }
    }
    const ScratchFolder folder;
    const auto container = open_pieces(folder, float8(2, 128, "F8_E5M2", {1}), fp8_config);
    const TensorInfo &w = container->require("x.weight");
    REQUIRE(w.encoding->id == QUANT_E5M2_G128);
    REQUIRE(container->decode(w)[0x3c] == 1);
    REQUIRE(container->decode(w)[0x7b] == 57344);
}

TEST_CASE("pieces of 8-bit floats that do not fit are refused") {
    require_pieces_refused(
        float8(2, 256, "F8_E4M3", {1, 2}), fp8_config,
        {{"no scale", {"x.weight_scale_inv"}, [](Pieces &p) { p.erase("x.weight_scale_inv"); }},
         {"scales of another shape",
          {"weight_scale_inv", "[1, 3]", "[1, 2]"},
          [](Pieces &p) {
              p["x.weight_scale_inv"] = {"F32", {1, 3}, floats({1, 2, 3})};
          }},
         {"no scales",
          {"weight_scale_inv"},
          [](Pieces &p) {
              p["x.weight_scale_inv"] = {"F32", {0}, ""};
          }},
         {"whole numbers as scales",
          {"weight_scale_inv", "I32"},
          [](Pieces &p) { p["x.weight_scale_inv"].dtype = "I32"; }},
         {"a weight of one dimension", {"x.weight"}, [](Pieces &p) { p["x.weight"].shape = {512}; }}});
    for (const char *sizes : {"[0,128]", "[128]", "[\"a\",1]", "[128,-1]"}) {
        INFO(sizes);
        require_pieces_refused(float8(2, 256, "F8_E4M3", {1, 2}),
                               std::string(R"({"quant_method":"fp8","weight_block_size":)") + sizes + "}",
                               {{"blocks of another size", {"weight_block_size"}, [](Pieces &) {}}});
    }
}

TEST_CASE("BitNet's quarters of rows are rows, and its scale multiplies or divides") {
    // Byte 0xe4: rows r, r + 1/4, ... are codes 0, 1, 2, 3.
    for (const uint64_t cols : {uint64_t{256}, uint64_t{96}}) {
        const Pieces good = {{"x.weight", {"U8", {1, cols}, std::string(cols, '\x24')}},
                             {"x.weight_scale", float_piece({0.25f})}};
        for (const bool multiplies : {true, false}) {
            const ScratchFolder folder;
            const auto container =
                open_pieces(folder, good, multiplies ? bitnet_config : std::string(R"({"quant_method":"bitnet"})"));
            const TensorInfo &w = container->require("x.weight");
            REQUIRE(w.shape == std::vector<uint64_t>{4, cols});
            REQUIRE(w.encoding->id == (cols == 256 ? QUANT_TQ2_0 : QUANT_TQ2_G32));
            const std::vector<float> x = container->decode(w);
            const float s = multiplies ? 0.25f : 4.0f, rows[] = {-s, 0, s, -s};
            for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == rows[i / cols]);
        }
        require_pieces_refused(
            good, bitnet_config,
            {{"no weight", {"x.weight"}, [](Pieces &p) { p.erase("x.weight"); }},
             {"two scales",
              {"weight_scale", "[2]"},
              [](Pieces &p) {
                  p["x.weight_scale"] = float_piece({1, 2});
              }},
             {"a scale of nothing", {"weight_scale"}, [](Pieces &p) { p["x.weight_scale"] = float_piece({0}); }},
             {"a scale that is no number",
              {"weight_scale"},
              [](Pieces &p) { p["x.weight_scale"] = float_piece({NAN}); }},
             {"signed bytes", {"x.weight", "I8"}, [](Pieces &p) { p["x.weight"].dtype = "I8"; }},
             {"one dimension", {"x.weight"}, [cols](Pieces &p) { p["x.weight"].shape = {cols}; }}});
    }
    require_pieces_refused({}, R"({"quant_method":"bitnet","quantization_mode":"x"})",
                           {{"an unknown mode", {"quantization_mode", "online"}, [](Pieces &) {}}});
}
