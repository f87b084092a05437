// Merging adapters: what is written runs as base and adapters do side by side, whatever either was kept in.
#include "adapter_test_support.h"
#include "golden_logits.h"
#include "quantize/plan.h"

#include <cstring>

using namespace quant;
using test::all_logits, test::golden_prompts, test::largest_difference, test::require_error, test::tolerance;

namespace {

const std::filesystem::path base_folder = test::data("model/llama-base"), peft = test::data("model/llama-lora"),
                            gguf = test::data("model/llama-lora.gguf");

using Adapters = std::vector<std::pair<std::string, float>>;

// All in F32, so that nothing is lost.
QuantizeOptions exactly(const Adapters &adapters) {
    QuantizeOptions o{"BF16"};
    o.overrides = {{".", "F32"}};
    o.adapters = adapters;
    return o;
}

void write(const std::filesystem::path &from, const QuantizeOptions &options, const std::filesystem::path &to) {
    Plan plan(ModelFile::open(from), options);
    Progress progress;
    plan.run(to, progress);
}

std::vector<int32_t> some_ids() {
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < 40; i++) ids.push_back(i * 37 % 340);
    return ids;
}

std::vector<float> attached(const std::filesystem::path &base, const Adapters &adapters) {
    const auto model = Model::open(base);
    AdapterSet set;
    for (const auto &[path, scale] : adapters) set.push_back({Adapter::open(model->file_pointer(), path), scale});
    return all_logits(*model, some_ids(), &set);
}

std::vector<float> alone(const std::filesystem::path &path) { return all_logits(*Model::open(path), some_ids()); }

// Changes k_proj and down_proj of layer 1, and nothing else.
void write_small_adapter(const std::filesystem::path &folder) {
    const std::string layer = "base_model.model.model.layers.1.";
    test::write_peft(folder, R"("r": 2, "lora_alpha": 6)",
                     {test::random_tensor(layer + "self_attn.k_proj.lora_A.weight", 2, 256, 1),
                      test::random_tensor(layer + "self_attn.k_proj.lora_B.weight", 64, 2, 2),
                      test::random_tensor(layer + "mlp.down_proj.lora_A.weight", 2, 128, 3),
                      test::random_tensor(layer + "mlp.down_proj.lora_B.weight", 256, 2, 4)});
}

} // namespace

TEST_CASE("a merged model has the logits of the reference library, whatever base and adapter were kept in") {
    const test::ScratchFolder scratch;
    write(base_folder, exactly({}), scratch / "base.gguf");
    for (const auto &base : {base_folder, scratch / "base.gguf"})
        for (const auto &adapter : {peft, gguf}) {
            INFO(base << " " << adapter);
            write(base, exactly({{adapter, 1}}), scratch / "merged.gguf");
            const auto model = Model::open(scratch / "merged.gguf");
            for (const test::Prompt &p : golden_prompts(peft))
                REQUIRE(largest_difference(all_logits(*model, p.ids), p.logits) <= tolerance);
            REQUIRE(largest_difference(attached(base, {{adapter, 1}}), alone(scratch / "merged.gguf")) <= tolerance);
        }
}

TEST_CASE("two adapters merged by their scales are what they are attached") {
    const test::ScratchFolder scratch;
    write_small_adapter(scratch / "small");
    const Adapters adapters = {{peft, 0.5f}, {scratch / "small", -2}};
    write(base_folder, exactly(adapters), scratch / "merged.gguf");
    const auto merged = alone(scratch / "merged.gguf");
    REQUIRE(largest_difference(merged, attached(base_folder, adapters)) <= tolerance);
    REQUIRE(largest_difference(merged, attached(base_folder, {adapters[0]})) > 0.1f);
}

TEST_CASE("an adapter on a quantized base is what its merged weights are") {
    const test::ScratchFolder scratch;
    for (const char *type : {"Q8_0", "Q4_K_M"}) {
        INFO(type);
        write(base_folder, {type}, scratch / "base.gguf");
        write(scratch / "base.gguf", exactly({{peft, 1}}), scratch / "merged.gguf");
        REQUIRE(largest_difference(attached(scratch / "base.gguf", {{peft, 1}}), alone(scratch / "merged.gguf")) <=
                tolerance);
        REQUIRE(Plan(ModelFile::open(scratch / "base.gguf"), exactly({{peft, 1}})).requantizes());
    }
}

TEST_CASE("an adapter on a base in GPTQ, whatever order its columns are in, is what its merged weights are") {
    for (const char *name : {"gptq-4bit-g128-sym", "gptq-4bit-g128-actorder-asym", "gptq-8bit-g128-sym-bias"}) {
        const auto base = test::shared(std::string("fixtures/quant/") + name);
        if (base.empty()) {
            WARN("no fixtures/quant/" << name);
            continue;
        }
        INFO(name);
        const test::ScratchFolder scratch;
        write(base, exactly({{peft, 1}}), scratch / "merged.gguf");
        REQUIRE(largest_difference(attached(base, {{peft, 1}}), alone(scratch / "merged.gguf")) <= tolerance);
    }
}

TEST_CASE("of a merged model that is quantized again, what no adapter changes keeps its bytes") {
    const test::ScratchFolder scratch;
    write_small_adapter(scratch / "small");
    write(base_folder, {"Q4_K_M"}, scratch / "base.gguf");
    QuantizeOptions options{"Q4_K_M"};
    options.adapters = {{scratch / "small", 1}};
    write(scratch / "base.gguf", options, scratch / "merged.gguf");
    const auto before = Container::open(scratch / "base.gguf"), after = Container::open(scratch / "merged.gguf");
    size_t changed = 0;
    for (const TensorInfo &t : before->tensors()) {
        const TensorInfo &now = after->require(t.name);
        REQUIRE(now.encoding == t.encoding);
        changed += std::memcmp(before->data(t).data(), after->data(now).data(), t.bytes) != 0;
    }
    REQUIRE(changed == 2);
}

TEST_CASE("the more bits a merged model gets, the nearer it is to base and adapter") {
    const test::ScratchFolder scratch;
    const auto exact = attached(base_folder, {{peft, 1}});
    double before = 0;
    for (const char *type : {"BF16", "Q8_0", "Q6_K", "Q4_K_M"}) {
        QuantizeOptions options{type};
        options.adapters = {{peft, 1}};
        write(base_folder, options, scratch / "merged.gguf");
        const auto merged = alone(scratch / "merged.gguf");
        double sum = 0;
        for (size_t i = 0; i < exact.size(); i++) sum += (merged[i] - exact[i]) * (merged[i] - exact[i]);
        INFO(type);
        REQUIRE(sum > before);
        before = sum;
    }
}

TEST_CASE("statistics for a merge are those of the merged model") {
    const test::ScratchFolder scratch;
    const std::string text = test::read_file(test::data("model/llama-base/tokenizer.json"));
    const auto with = [&](quant_method method, const Adapters &adapters) {
        QuantizeOptions o{"Q4_K_M", method};
        o.calibration_text = text, o.calibration_tokens = 4096, o.adapters = adapters;
        return o;
    };
    write(base_folder, exactly({{peft, 1}}), scratch / "merged.gguf");
    for (const quant_method method : {QUANT_METHOD_IMPORTANCE, QUANT_METHOD_FEEDBACK}) {
        INFO(static_cast<int>(method));
        write(scratch / "merged.gguf", with(method, {}), scratch / "in-two-steps.gguf");
        write(base_folder, with(method, {{peft, 1}}), scratch / "in-one.gguf");
        const auto one = alone(scratch / "in-one.gguf"), two = alone(scratch / "in-two-steps.gguf");
        write(base_folder, with(method, {{peft, 0.9f}}), scratch / "other.gguf");
        REQUIRE(largest_difference(one, alone(scratch / "other.gguf")) > 4 * largest_difference(one, two));
    }
}

TEST_CASE("what cannot be merged is refused, and an adapter is not written over") {
    const test::ScratchFolder scratch;
    const auto base = ModelFile::open(base_folder);
    require_error(QUANT_ERR_NOT_FOUND, {"nowhere"}, [&] { Plan(base, exactly({{scratch / "nowhere", 1}})); });
    require_error(QUANT_ERR_ARGUMENT, {"scale inf"}, [&] { Plan(base, exactly({{peft, INFINITY}})); });
    require_error(QUANT_ERR_MODEL, {"q_proj", "expected"}, [&] {
        Plan(ModelFile::open(test::data("model/llama-3-rope")), exactly({{peft, 1}}));
    });
    test::write_file(scratch / "lora.gguf", test::read_file(gguf));
    const std::string adapter = scratch / "lora.gguf";
    require_error(QUANT_ERR_ARGUMENT, {"an adapter itself"}, [&] {
        write(base_folder, exactly({{adapter, 1}}), adapter);
    });
    REQUIRE(test::read_file(adapter) == test::read_file(gguf));
    // Weights that leave what a float holds.
    auto huge = test::random_adapter(base->hyperparameters(), 1, 9);
    for (test::AdapterTensor &t : huge)
        for (float &v : t.values) v *= 1e20f;
    test::write_peft(scratch / "huge", R"("r": 1, "lora_alpha": 1)", huge);
    require_error(QUANT_ERR_FORMAT, {"not finite"}, [&] {
        write(base_folder, exactly({{scratch / "huge", 1}}), scratch / "out.gguf");
    });
    REQUIRE(!std::filesystem::exists(scratch / "out.gguf"));
}
