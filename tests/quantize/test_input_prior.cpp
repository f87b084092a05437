// The guess of what goes into a matrix, on a model whose weights are changed so that one
// unit stands out.
#include "quantize/input_prior.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <algorithm>
#include <cmath>

using namespace quant;

namespace {

// The fixture, with row 5 of layer 0's gate and up made 30 times as large.
std::filesystem::path with_outlier(const test::ScratchFolder &folder) {
    const auto source = ModelFile::open(test::data("model/llama-3-rope.gguf"));
    std::vector<TensorPlan> plan;
    for (const ModelTensor &t : source->tensors()) plan.push_back({t.name, t.shape, QUANT_F32});
    GgufWriter writer(folder / "outlier.gguf", source->container().metadata(), plan);
    for (const ModelTensor &t : source->tensors()) {
        std::vector<float> values(t.elements());
        source->decode_rows(t, 0, t.rows(), values.data());
        if (t.name == "blk.0.ffn_gate.weight" || t.name == "blk.0.ffn_up.weight")
            for (size_t i = 0; i < t.cols(); i++) values[5 * t.cols() + i] *= 30;
        writer.add(std::as_bytes(std::span(values)));
    }
    writer.commit();
    return folder / "outlier.gguf";
}

} // namespace

TEST_CASE("a unit whose rows are large is guessed to be large, and only it") {
    const test::ScratchFolder folder;
    const auto file = ModelFile::open(with_outlier(folder));
    const std::vector<float> guess = input_prior(*file, *file->find(Role::ffn_down, 0), 0, default_pool());
    REQUIRE(guess.size() == file->hyperparameters().feed_forward);
    REQUIRE(std::max_element(guess.begin(), guess.end()) - guess.begin() == 5);
    const auto above = std::count_if(guess.begin(), guess.end(), [&](float v) { return v > guess[5] / 100; });
    REQUIRE(above == 1);
    // Nothing is known of these.
    REQUIRE(input_prior(*file, *file->find(Role::ffn_gate, 0), 0, default_pool()).empty());
    REQUIRE(input_prior(*file, *file->find(Role::token_embedding, 0), 0, default_pool()).empty());
}

TEST_CASE("the search spares the column of a unit that stands out") {
    const test::ScratchFolder folder;
    const auto file = ModelFile::open(with_outlier(folder));
    const ModelTensor &down = *file->find(Role::ffn_down, 0);
    std::vector<float> before(down.elements());
    file->decode_rows(down, 0, down.rows(), before.data());
    const auto column_error = [&](const std::vector<float> &after) {
        double sum = 0;
        for (size_t r = 0; r < down.rows(); r++) sum += std::pow(double{before[r * down.cols() + 5]} - after[r * down.cols() + 5], 2);
        return sum;
    };
    Plan plan(file, {"Q4_0", QUANT_METHOD_SEARCH});
    Progress progress;
    plan.run(folder / "out.gguf", progress);
    const auto made = Container::open(folder / "out.gguf");
    const EncodingTraits &e = encoding_traits(QUANT_Q4_0);
    std::vector<std::byte> bytes(encoded_bytes(e, down.rows(), down.cols()));
    encode_matrix(e, QUANT_METHOD_SEARCH, before, {}, down.rows(), down.cols(), bytes);
    std::vector<float> plain(before.size());
    decode_matrix(e, bytes, down.rows(), down.cols(), plain);
    REQUIRE(column_error(made->decode(made->require(down.name))) < 0.5 * column_error(plain));
    for (const PlannedTensor &t : plan.tensors())
        if (t.source->name == down.name) REQUIRE(t.method == QUANT_METHOD_SEARCH);
}
