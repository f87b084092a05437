// Conversions: into every format that is written, and read back; and without a change where grids agree.
#include "container/checkpoint_format.h"
#include "golden_logits.h"
#include "quantize/plan.h"

#include <algorithm>
#include <set>

using namespace quant;
using namespace quant::test;

namespace {

std::filesystem::path fixture(const std::string &name) {
    const auto root = shared("fixtures");
    return root.empty() ? root : root / name;
}

QuantizeOptions to(const std::string &type, bool exact = false) {
    QuantizeOptions o{.type = type, .method = QUANT_METHOD_ROUND};
    o.keep_floats = o.exact = exact;
    return o;
}

std::filesystem::path converted(const std::filesystem::path &from, const std::filesystem::path &out, const QuantizeOptions &options) {
    Plan plan(ModelFile::open(from), options);
    const uint64_t promised = plan.output_bytes();
    Progress none;
    plan.run(out, none);
    REQUIRE(Container::open(out)->file_bytes() == promised);
    return out;
}

std::vector<float> weights_of(const ModelFile &file, const ModelTensor &t) {
    std::vector<float> out(t.elements());
    file.decode_rows(t, 0, t.rows(), out.data());
    return out;
}

// All tensors that both have, in GGUF's order of rows; the largest difference, by the largest weight.
double largest_change(const std::filesystem::path &a, const std::filesystem::path &b) {
    const auto first = ModelFile::open(a), second = ModelFile::open(b);
    double worst = 0;
    size_t seen = 0;
    for (const ModelTensor &t : first->tensors()) {
        if (!t.role || !t.source) continue;
        const ModelTensor *other = second->find(t.role->role, t.role->layer);
        INFO(t.name);
        REQUIRE(other != nullptr);
        const std::vector<float> x = weights_of(*first, t), y = weights_of(*second, *other);
        REQUIRE(x.size() == y.size());
        float most = 0;
        for (const float v : x) most = std::max(most, std::abs(v));
        for (size_t i = 0; i < x.size(); i++) worst = std::max(worst, double{std::abs(x[i] - y[i])} / std::max(most, 1e-6f));
        seen++;
    }
    REQUIRE(seen > 10);
    return worst;
}

struct Row {
    const char *type;
    double most; ///< Change of a weight, by the largest of its matrix.
};

} // namespace

TEST_CASE("every format is written, and read back as what was asked for") {
    const auto base = fixture("quant/llama-base");
    if (base.empty()) {
        WARN("no fixtures");
        return;
    }
    const ScratchFolder scratch;
    const Row rows[] = {
        {"gptq:4:128", 0.08},   {"gptq:2:64:asym", 0.4}, {"gptq:3:32", 0.18},  {"gptq:8:128:asym", 0.005}, {"awq:4:64", 0.08},
        {"mlx:4:64", 0.08},     {"mlx:2:32", 0.35},      {"mlx:3:128", 0.16},  {"mlx:5:64", 0.04},         {"mlx:6:32", 0.02},
        {"mlx:8:64", 0.005},    {"mlx:mxfp4", 0.25},      {"w4a16:128", 0.08},  {"w4a16:32:asym", 0.08},    {"w8a16:64", 0.006},
        {"w8a8", 0.006},        {"fp8", 0.05},           {"fp8-block", 0.05},  {"mxfp4", 0.25},             {"nvfp4", 0.2},
        {"nf4", 0.2},           {"bitnet", 1.0},         {"safetensors:f32", 0}, {"safetensors:bf16", 0},  {"safetensors:f16", 1e-3},
        {"compressed-tensors:w8a8", 0.006},
    };
    std::set<std::string> kinds;
    int number = 0;
    for (const Row &row : rows) {
        INFO(row.type);
        const auto out = converted(base, scratch / std::to_string(number++), to(row.type));
        CHECK(largest_change(base, out) <= row.most);
        CHECK(Model::open(out)->hyperparameters().layers == 2);
        kinds.insert(std::string(row.type).substr(0, std::string(row.type).find(':')));
    }
    for (const CheckpointKind &k : checkpoint_kinds()) {
        INFO(k.name);
        CHECK(kinds.contains(k.name));
    }
}

TEST_CASE("where grids agree nothing changes") {
    if (fixture("quant").empty()) return;
    const ScratchFolder scratch;
    const std::pair<const char *, const char *> pairs[] = {
        {"gptq-4bit-g128-sym", "gguf:Q4_0"},      {"gptq-4bit-g128-sym", "gguf:Q8_0"},   {"gptq-4bit-g128-sym", "gptq:4:32"},
        {"gptq-4bit-g128-sym", "awq:4:128"},      {"gptq-4bit-g128-sym", "w4a16:64"},    {"gptq-8bit-g128-sym-bias", "gguf:Q8_0"},
        {"gptq-v2-4bit-g128-asym", "gguf:Q5_0"},  {"gptq-v2-4bit-g128-asym", "awq:4:32"}, {"gptq-v2-4bit-g128-asym", "gptq:4:128:asym"},
        {"gptq-4bit-g128-actorder-asym", "gptq:4:128:asym"}, {"gptq-3bit-g128-sym", "gguf:Q4_0"},
        {"awq-gemm-4bit-g128", "gptq:4:128:asym"}, {"ct-w4a16-g128-sym", "gguf:Q4_0"},   {"ct-w4a16-g128-asym", "awq:4:128"},
        {"mlx-4bit-g64", "gguf:Q4_1"},            {"mlx-4bit-g64", "mlx:4:32"},          {"mlx-mxfp4", "mxfp4"},
        {"mlx-mxfp4", "gguf:F32"},                {"bnb-nf4", "nf4"},                    {"bnb-nf4-double", "nf4"},
        {"bitnet-packed", "bitnet"},              {"bitnet-packed", "gguf:F32"},
        {"ct-w8a8-int-dynamic", "w8a8"},          {"ct-w8a8-int-dynamic", "gguf:Q8_0"},  {"ct-fp8-channel-dynamic", "fp8"},
        {"fp8-block128", "fp8-block"},            {"ct-nvfp4", "nvfp4"},                 {"gptq-4bit-g128-sym", "safetensors:f32"},
    };
    int number = 0;
    for (const auto &[name, type] : pairs) {
        INFO(name << " to " << type);
        const auto out = converted(fixture("quant") / name, scratch / std::to_string(number++), to(type, true));
        CHECK(largest_change(fixture("quant") / name, out) == 0);
    }
}

TEST_CASE("what would change is refused, and it is said what would not") {
    if (fixture("quant").empty()) return;
    const auto plan = [](const char *name, const char *type) { Plan(ModelFile::open(fixture("quant") / name), to(type, true)); };
    require_error(QUANT_ERR_ARGUMENT, {"q_proj.weight", "INT4_G128", "Q4_0", "it can become F32, Q5_0, Q8_0"},
                  [&] { plan("gptq-v2-4bit-g128-asym", "gguf:Q4_0"); });
    require_error(QUANT_ERR_ARGUMENT, {"columns in another order"}, [&] { plan("gptq-4bit-g128-actorder-asym", "awq:4:128"); });
    require_error(QUANT_ERR_ARGUMENT, {"AFFINE4_G64", "INT4_G128"}, [&] { plan("mlx-4bit-g64", "gptq:4:128"); });
    require_error(QUANT_ERR_ARGUMENT, {"E4M3_G128"}, [&] { plan("fp8-block128", "nf4"); });
    require_error(QUANT_ERR_ARGUMENT, {"bits \"5\"", "4, 2, 3, 8"}, [&] { plan("llama-base", "gptq:5"); });
    require_error(QUANT_ERR_ARGUMENT, {"one word too many"}, [&] { plan("llama-base", "nf4:64"); });
    require_error(QUANT_ERR_NOT_FOUND, {"nonsense", "gptq[:BITS"}, [&] { plan("llama-base", "nonsense:4"); });
}

TEST_CASE("a folder is complete or not there, and never replaced") {
    if (fixture("quant").empty()) return;
    const ScratchFolder scratch;
    const auto base = fixture("quant/llama-base");
    Plan plan(ModelFile::open(base), to("w8a8"));
    Progress stops([](void *, const quant_progress *) { return 1; }, nullptr);
    require_error(QUANT_ERR_CANCELLED, {}, [&] { plan.run(scratch / "out", stops); });
    REQUIRE(std::filesystem::is_empty(scratch.path()));
    Progress none;
    plan.run(scratch / "out", none);
    require_error(QUANT_ERR_EXISTS, {"never replaced"}, [&] { plan.run(scratch / "out", none); });
    REQUIRE(std::distance(std::filesystem::directory_iterator(scratch.path()), {}) == 1);
}

TEST_CASE("calibrated matrices of a folder lose less than rounded ones") {
    if (fixture("quant").empty()) return;
    const auto base = fixture("quant/llama-base");
    const ScratchFolder scratch;
    const auto model = Model::open(base);
    const auto prompts = golden_prompts(base);
    const auto loss = [&](const QuantizeOptions &o, const char *name) {
        const auto made = Model::open(converted(base, scratch / name, o));
        double sum = 0;
        for (const Prompt &p : prompts) {
            const std::vector<float> x = all_logits(*model, p.ids), y = all_logits(*made, p.ids);
            for (size_t i = 0; i < x.size(); i++) sum += double{x[i] - y[i]} * (x[i] - y[i]);
        }
        return sum;
    };
    for (const char *type : {"gptq:4:128", "awq:4:128"}) {
        QuantizeOptions best = to(type);
        best.method = QUANT_METHOD_FEEDBACK;
        for (int i = 0; i < 130; i++) best.calibration_text += "In the beginning God created the heaven and the earth. ";
        INFO(type);
        CHECK(loss(best, (std::string(type, 4) + "-best").c_str()) < loss(to(type), type));
    }
}
