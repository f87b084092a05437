// gpt-oss's experts: blocks and scales.
#include "checkpoint_support.h"

using namespace quant;
using namespace quant::test;

namespace {

const std::string config = R"({"quant_method":"mxfp4"})";

// Two experts of one row of 64.
Pieces good() {
    return {{"e.w_blocks", {"U8", {2, 1, 2, 16}, std::string(64, '\x21')}},
            {"e.w_scales", {"U8", {2, 1, 2}, "\x7f\x80\x7f\x7e"}}};
}

} // namespace

TEST_CASE("MXFP4 experts become one tensor of three dimensions") {
    const ScratchFolder folder;
    const auto container = open_pieces(folder, good(), config);
    REQUIRE(container->tensors().size() == 1);
    const TensorInfo &w = container->require("e.w");
    REQUIRE(w.shape == std::vector<uint64_t>{2, 1, 64});
    REQUIRE(w.encoding->id == QUANT_MXFP4);
    const std::vector<float> x = container->decode(w);
    const float scales[] = {1, 2, 1, 0.5f};
    // Code 1 is 0.5 and comes first, code 2 is 1.
    for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == scales[i / 32] * (i % 2 ? 1.0f : 0.5f));
}

TEST_CASE("MXFP4 pieces that do not fit are refused") {
    require_pieces_refused(
        good(), config,
        {{"no scales", {"e.w_scales", "no tensor"}, [](Pieces &p) { p.erase("e.w_scales"); }},
         {"scales of another shape",
          {"e.w_scales", "[2, 2]", "[2, 1, 2]"},
          [](Pieces &p) {
              p["e.w_scales"].shape = {2, 2};
          }},
         {"scales of a byte too few",
          {"e.w_scales", "[2, 1, 1]"},
          [](Pieces &p) {
              p["e.w_scales"] = {"U8", {2, 1, 1}, "ab"};
          }},
         {"scales as floats",
          {"e.w_scales", "F32"},
          [](Pieces &p) {
              p["e.w_scales"] = {"F32", {2, 1, 2}, std::string(16, 'a')};
          }},
         {"blocks of 32 bytes",
          {"e.w_blocks", "[2, 1, 1, 32]"},
          [](Pieces &p) {
              p["e.w_blocks"].shape = {2, 1, 1, 32};
          }},
         {"blocks of one dimension", {"e.w_blocks"}, [](Pieces &p) { p["e.w_blocks"].shape = {64}; }},
         {"rows of no weights",
          {"e.w_blocks"},
          [](Pieces &p) {
              p = {{"e.w_blocks", {"U8", {2, 1, 0, 16}, ""}}, {"e.w_scales", {"U8", {2, 1, 0}, ""}}};
          }},
         {"a shape that overflows", {"e.w_blocks", "overflows"}, [](Pieces &p) {
              p = {{"e.w_blocks", {"U8", {0, 1, uint64_t{1} << 59, 16}, ""}},
                   {"e.w_scales", {"U8", {0, 1, uint64_t{1} << 59}, ""}}};
          }}});
}
