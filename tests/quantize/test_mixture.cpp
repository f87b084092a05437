// Mixtures of experts: statistics of each expert, and its matrices quantized by them.
#include "model/forward.h"
#include "quantize/moments_file.h"
#include "quantize/plan.h"
#include "test_support.h"

#include <cmath>
#include <numeric>

using namespace quant;
using test::require_error;

namespace {

std::string text(int first = 0, int lines = 900) { return test::numbered_lines(lines, first); }

Importance importance_of(const std::filesystem::path &model, const std::filesystem::path &file) {
    Progress progress;
    write_importance_of(model, text(), "text", 64, 2048, ImportanceFormat::gguf, file, progress);
    return read_importance(file);
}

// Mean square difference of logits on lines that calibration has not seen.
double logit_error(const Model &a, const Model &b) {
    const auto tokens = calibration_sequences(a.tokenizer(), text(900, 60), 64, 0, 1)[0];
    const auto logits = [&](const Model &model) {
        KvCache cache(model.hyperparameters(), 64);
        std::vector<float> out(tokens.size() * model.hyperparameters().vocabulary);
        Forward(model, default_pool()).run(cache, tokens, 0, tokens.size(), out.data());
        return out;
    };
    const std::vector<float> x = logits(a), y = logits(b);
    double sum = 0;
    for (size_t i = 0; i < x.size(); i++) sum += (double{x[i]} - y[i]) * (double{x[i]} - y[i]);
    return sum / static_cast<double>(x.size());
}

} // namespace

TEST_CASE("each expert is counted by the tokens that go to it") {
    const test::ScratchFolder folder;
    for (const char *name : {"model/mixtral.gguf", "model/qwen3-moe"}) {
        INFO(name);
        const auto path = test::data(name);
        const Importance importance = importance_of(path, folder / "i.gguf");
        const auto model = ModelFile::open(path);
        const Hyperparameters &h = model->hyperparameters();
        for (uint32_t layer = 0; layer < h.layers; layer++) {
            const auto &gate = importance.entries.at(gguf_tensor_name(Role::expert_gate, layer));
            const auto &up = importance.entries.at(gguf_tensor_name(Role::expert_up, layer));
            const auto &down = importance.entries.at(gguf_tensor_name(Role::expert_down, layer));
            REQUIRE(gate.counts.size() == h.experts);
            REQUIRE(std::accumulate(gate.counts.begin(), gate.counts.end(), 0.0f) == 2048 * h.experts_used);
            REQUIRE(up.sums == gate.sums);
            REQUIRE(down.counts == gate.counts);
            REQUIRE(down.columns() == h.expert_feed_forward);
            // Tokens of one expert are not those of another.
            REQUIRE(gate.counts[0] != gate.counts[1]);
            for (uint32_t e = 0; e < h.experts; e++) REQUIRE((gate.counts[e] == 0) == (gate.sums[e * h.embedding] == 0));
        }
    }
}

TEST_CASE("columns of an expert that was never used are the mean of the others") {
    Importance importance;
    importance.entries["blk.0.ffn_up_exps.weight"] = {{2, 4, 0, 0, 9, 3}, {2, 0, 3}};
    REQUIRE(importance.columns_of("blk.0.ffn_up_exps.weight", 2, 3) == std::vector<float>{1, 2, 2, 1.5f, 3, 1});
    // The older files have one count for all.
    importance.entries["blk.0.ffn_up_exps.weight"].counts = {2};
    REQUIRE(importance.columns_of("blk.0.ffn_up_exps.weight", 2, 3) == std::vector<float>{1, 2, 0, 0, 4.5f, 1.5f});
    for (const uint64_t matrices : {1, 2, 6})
        require_error(QUANT_ERR_ARGUMENT, {"ffn_up_exps", "another model"},
                      [&] { importance.columns_of("blk.0.ffn_up_exps.weight", 2, matrices); });
    importance.entries["blk.0.ffn_up_exps.weight"].counts = {0, 0, 0};
    require_error(QUANT_ERR_ARGUMENT, {"ffn_up_exps", "never used"},
                  [&] { importance.columns_of("blk.0.ffn_up_exps.weight", 2, 3); });
}

TEST_CASE("experts are quantized by every method, the better the more it knows") {
    const test::ScratchFolder folder;
    const auto path = test::data("model/qwen3-moe");
    const auto base = Model::open(path);
    importance_of(path, folder / "i.gguf");
    Progress progress;
    std::map<quant_method, double> errors;
    for (const quant_method method : {QUANT_METHOD_SEARCH, QUANT_METHOD_IMPORTANCE, QUANT_METHOD_FEEDBACK, QUANT_METHOD_BEST}) {
        INFO(method_name(method));
        QuantizeOptions options{"Q4_0", method};
        if (method == QUANT_METHOD_IMPORTANCE) options.importance_path = (folder / "i.gguf").string();
        if (needs_calibration(method)) options.calibration_text = text(), options.calibration_tokens = 8 * 512;
        Plan plan(ModelFile::open(path), options);
        plan.run(folder / "out.gguf", progress);
        REQUIRE(std::filesystem::file_size(folder / "out.gguf") == plan.output_bytes());
        for (const PlannedTensor &t : plan.tensors()) {
            INFO(t.source->name);
            const bool expert = role_traits(t.source->role->role).kind == RoleKind::experts;
            if (expert) REQUIRE(t.encoding == QUANT_Q4_0);
            if (expert) REQUIRE((t.relative > 0.01 && t.relative < 0.3));
            if (t.source->role->role == Role::router) REQUIRE(t.encoding == QUANT_F32);
        }
        errors[method] = logit_error(*base, *Model::open(folder / "out.gguf"));
    }
    CAPTURE(errors[QUANT_METHOD_SEARCH], errors[QUANT_METHOD_IMPORTANCE], errors[QUANT_METHOD_FEEDBACK]);
    REQUIRE(errors[QUANT_METHOD_FEEDBACK] < 0.8 * errors[QUANT_METHOD_SEARCH]);
    REQUIRE(errors[QUANT_METHOD_BEST] < 0.8 * errors[QUANT_METHOD_SEARCH]);
    REQUIRE(errors[QUANT_METHOD_BEST] < errors[QUANT_METHOD_IMPORTANCE]);
}

TEST_CASE("a file of moments holds those of each expert, and best can do with them") {
    const test::ScratchFolder folder;
    const auto path = test::data("model/mixtral.gguf");
    Progress progress;
    write_moments_of(path, text(), "text", 64, 2048, folder / "m.gguf", progress);
    const Importance importance = importance_of(path, folder / "i.gguf");
    const MomentsFile file(folder / "m.gguf");
    const auto model = ModelFile::open(path);
    size_t compared = 0;
    for (const Role role : {Role::expert_gate, Role::expert_down}) {
        const ModelTensor &tensor = *model->find(role, 1);
        const ImportanceEntry &entry = importance.entries.at(tensor.name);
        for (uint64_t e = 0; e < tensor.matrices(); e++) {
            // With fewer tokens it is calibrated on all.
            if (entry.counts[e] < 1.3f * LayerwiseCalibration::least_expert_tokens) continue;
            const InputMoments inputs = file.of(tensor, e, *model);
            for (size_t i = 0; i < tensor.cols(); i += 7)
                REQUIRE(double{inputs.train.row(i)[i]} + inputs.held.row(i)[i] ==
                        Approx(entry.sums[e * tensor.cols() + i]).epsilon(1e-3).margin(1e-6));
            compared++;
        }
    }
    REQUIRE(compared >= 4);
    QuantizeOptions options{"Q4_0", QUANT_METHOD_BEST};
    options.moments_path = (folder / "m.gguf").string();
    Plan(model, options).run(folder / "best.gguf", progress);
    Plan(model, {"Q4_0", QUANT_METHOD_SEARCH}).run(folder / "search.gguf", progress);
    const auto base = Model::open(path);
    REQUIRE(logit_error(*base, *Model::open(folder / "best.gguf")) <
            0.8 * logit_error(*base, *Model::open(folder / "search.gguf")));
}
