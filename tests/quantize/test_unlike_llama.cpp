// Architectures that are wired unlike Llama: what we write as GGUF is the model that the folder is; tokens in pieces, and
// caches of other types, give the whole prompt's logits.
#include "golden_logits.h"
#include "model/forward.h"
#include "quantize/importance.h"
#include "quantize/moments_file.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>

using namespace quant;

namespace {

constexpr const char *models[] = {"arch/gpt-oss-mxfp4", "arch/deepseek-v3", "quant/bitnet-packed"};

const std::vector<int32_t> prompt = [] {
    std::vector<int32_t> ids;
    for (int i = 0; i < 90; i++) ids.push_back(3 + i * 37 % 300);
    return ids;
}();

std::vector<float> logits_of(const Model &model, KvTypes types, size_t piece, Activations activations = Activations::f32) {
    KvCache cache(model.hyperparameters(), 128, types);
    Forward forward(model, default_pool(), activations);
    const size_t vocabulary = model.hyperparameters().vocabulary;
    std::vector<float> out(prompt.size() * vocabulary);
    for (size_t at = 0; at < prompt.size(); at += piece) {
        const size_t count = std::min(piece, prompt.size() - at);
        forward.run(cache, std::span(prompt).subspan(at, count), static_cast<uint32_t>(at), count, out.data() + at * vocabulary);
    }
    return out;
}

double mean_difference(const std::vector<float> &a, const std::vector<float> &b) {
    double sum = 0;
    for (size_t i = 0; i < a.size(); i++) sum += std::fabs(double{a[i]} - b[i]);
    return sum / static_cast<double>(a.size());
}

std::vector<std::pair<std::string, std::filesystem::path>> folders() {
    std::vector<std::pair<std::string, std::filesystem::path>> out;
    for (const char *name : models)
        if (const auto folder = test::shared(std::string("fixtures/") + name); !folder.empty()) out.emplace_back(name, folder);
    if (out.empty()) WARN("no fixtures");
    return out;
}

} // namespace

TEST_CASE("a folder written as GGUF is the same model") {
    for (const auto &[name, path] : folders()) {
        INFO(name);
        const test::ScratchFolder folder;
        Plan plan(ModelFile::open(path), {"BF16", QUANT_METHOD_ROUND});
        Progress progress;
        plan.run(folder / "m.gguf", progress);
        const auto gguf = Model::open(folder / "m.gguf");
        const double off = mean_difference(logits_of(*Model::open(path), {}, 90), logits_of(*gguf, {}, 90));
        // Ternary numbers times a scale are not bfloat16; all else is.
        REQUIRE(off < (name.starts_with("quant") ? 2e-2 : 1e-4));
    }
}

TEST_CASE("tokens in pieces, and other caches, give the whole prompt's logits") {
    for (const auto &[name, path] : folders()) {
        INFO(name);
        const auto model = Model::open(path);
        const std::vector<float> whole = logits_of(*model, {}, 90);
        REQUIRE(test::largest_difference(whole, logits_of(*model, {}, 1)) < 2e-3f);
        REQUIRE(test::largest_difference(whole, logits_of(*model, {}, 7)) < 2e-3f);
        REQUIRE(mean_difference(whole, logits_of(*model, {QUANT_F16, QUANT_F16}, 7)) < 2e-2);
        REQUIRE(mean_difference(whole, logits_of(*model, {QUANT_Q8_0, QUANT_Q8_0}, 7)) < 1e-1);
        REQUIRE(mean_difference(whole, logits_of(*model->with_panels(), {}, 1)) < 1e-2);
        REQUIRE(mean_difference(whole, logits_of(*model->with_panels(), {QUANT_F16, QUANT_F16}, 90, Activations::int8_of_many)) < 2e-1);
    }
}

TEST_CASE("calibration runs through layers that are wired unlike Llama's") {
    for (const auto &[name, path] : folders()) {
        INFO(name);
        const std::string text = test::numbered_lines(900);
        const test::ScratchFolder folder;
        Progress progress;
        write_importance_of(path, text, "text", 64, 512, ImportanceFormat::gguf, folder / "i.gguf", progress);
        write_moments_of(path, text, "text", 64, 512, folder / "moments.gguf", progress);
        for (const int way : {0, 1, 2}) {
            QuantizeOptions options{"Q8_0", way == 0 ? QUANT_METHOD_IMPORTANCE : QUANT_METHOD_BEST};
            if (way == 0) options.importance_path = (folder / "i.gguf").string();
            if (way == 1) options.moments_path = (folder / "moments.gguf").string();
            if (way == 2) options.calibration_text = text, options.calibration_tokens = 8 * 512;
            Plan plan(ModelFile::open(path), options);
            plan.run(folder / "m.gguf", progress);
            const auto made = Model::open(folder / "m.gguf");
            // Where a token goes to another expert, its logits move a lot.
            REQUIRE(mean_difference(logits_of(*Model::open(path), {}, 90), logits_of(*made, {}, 90)) < 0.3);
        }
    }
}
