// What is written of every architecture of the fixtures runs as its source does.
#include "model/golden_fixtures.h"
#include "quantize/plan.h"

using namespace quant;
using namespace quant::test;

namespace {

std::shared_ptr<const Model> written(const std::filesystem::path &source, const ScratchFolder &folder,
                                     const QuantizeOptions &options) {
    Plan plan(ModelFile::open(source), options);
    Progress progress;
    plan.run(folder / "made.gguf", progress);
    REQUIRE(std::filesystem::file_size(folder / "made.gguf") == plan.output_bytes());
    return Model::open(folder / "made.gguf");
}

std::string lines_of_text() {
    std::string text;
    for (int i = 0; i < 400; i++)
        text += "The quick brown fox number " + std::to_string(i * i) + " jumps over the dog. ";
    return text;
}

// How many rows of logits have their largest in the same place.
size_t same_choices(const std::vector<float> &a, const std::vector<float> &b, size_t width) {
    size_t same = 0;
    for (size_t row = 0; row + width <= a.size(); row += width) {
        const auto best = [&](const std::vector<float> &v) {
            const auto begin = v.begin() + static_cast<std::ptrdiff_t>(row);
            return std::max_element(begin, begin + static_cast<std::ptrdiff_t>(width)) - begin;
        };
        same += best(a) == best(b);
    }
    return same;
}

} // namespace

TEST_CASE("a folder written as GGUF gives the logits of the reference library") {
    for (const Fixture &f : fixtures_of_architectures()) {
        INFO(f.folder);
        QuantizeOptions options;
        options.type = ModelFile::open(f.folder)->type_name() == "F16" ? "F16" : "BF16"; // Nothing is lost, also of MXFP4.
        const ScratchFolder once, again;
        const auto model = written(f.folder, once, options);
        const std::vector<Prompt> prompts = golden_prompts(f.folder);
        for (const Prompt &p : prompts) CHECK(largest_difference(all_logits(*model, p.ids), p.logits) <= f.tolerance);
        // What was written is read and written as it is.
        const auto twice = written(once / "made.gguf", again, options);
        CHECK(all_logits(*twice, prompts[0].ids) == all_logits(*model, prompts[0].ids));
    }
}

TEST_CASE("tensors that are one in the file get one encoding, the finest of theirs, and no other on request") {
    const auto folder = shared("fixtures/arch/phi3");
    if (folder.empty()) {
        WARN("no fixtures/arch/phi3");
        return;
    }
    const auto source = ModelFile::open(folder);
    QuantizeOptions options;
    options.type = "Q4_K_M";
    const Plan plan(source, options);
    for (uint32_t layer = 0; layer < 2; layer++) {
        const auto encoding = [&](Role role) {
            for (const PlannedTensor &t : plan.tensors())
                if (t.source == source->find(role, layer)) return t.encoding;
            FAIL("no such tensor");
            return QUANT_F32;
        };
        REQUIRE(encoding(Role::attention_q) == encoding(Role::attention_v));
        REQUIRE(encoding(Role::attention_k) == encoding(Role::attention_v));
        REQUIRE(encoding(Role::ffn_gate) == encoding(Role::ffn_up));
    }
    options.overrides = {{"blk.0.ffn_gate.weight", "Q8_0"}};
    REQUIRE_NOTHROW(Plan(source, options)); // With up, which nobody asked to be otherwise.
    options.overrides = {{"blk.0.ffn_gate.weight", "Q8_0"}, {"blk.0.ffn_up.weight", "Q4_0"}};
    require_error(QUANT_ERR_ARGUMENT, {"blk.0.ffn_up.weight", "Q4_0", "Q8_0", "blk.0.ffn_gate.weight"},
                  [&] { Plan(source, options); });
}

TEST_CASE("of a model that convolves matrices are quantized and kernels are not") {
    const auto folder = shared("fixtures/arch/lfm2");
    if (folder.empty()) {
        WARN("no fixtures/arch/lfm2");
        return;
    }
    QuantizeOptions options;
    options.type = "Q4_K_M";
    const Plan plan(ModelFile::open(folder), options);
    const auto encoding = [&](std::string_view name) {
        for (const PlannedTensor &t : plan.tensors())
            if (t.source->name == name) return t.encoding;
        FAIL("no tensor " << name);
        return QUANT_F32;
    };
    CHECK(encoding("blk.0.shortconv.in_proj.weight") == QUANT_Q4_K);
    CHECK(encoding("blk.0.shortconv.out_proj.weight") == QUANT_Q4_K);
    CHECK(encoding("blk.0.shortconv.conv.weight") == QUANT_F32);
    const ScratchFolder out;
    const auto model = written(folder, out, options);
    for (const Prompt &p : golden_prompts(folder)) {
        // Of random weights in 4 bits about half of the choices stay; of wrong ones none would.
        const size_t vocabulary = model->hyperparameters().vocabulary;
        CHECK(same_choices(all_logits(*model, p.ids), p.logits, vocabulary) * 3 >= p.ids.size());
    }
}

TEST_CASE("every architecture can be calibrated, and stays the model it was") {
    for (const Fixture &f : fixtures_of_architectures()) {
        INFO(f.folder);
        QuantizeOptions options;
        options.type = "Q8_0";
        options.method = QUANT_METHOD_FEEDBACK;
        options.calibration_text = lines_of_text();
        options.calibration_tokens = 4096;
        const ScratchFolder folder;
        const auto model = written(f.folder, folder, options);
        size_t same = 0, positions = 0;
        for (const Prompt &p : golden_prompts(f.folder)) {
            same += same_choices(all_logits(*model, p.ids), p.logits, model->hyperparameters().vocabulary);
            positions += p.ids.size();
        }
        CHECK(same * 10 >= positions * 8);
    }
}
