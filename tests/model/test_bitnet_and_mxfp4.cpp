// Checkpoints of BitNet and gpt-oss: their matrices to the bit, BitNet's logits without rounded activations, and pieces
// that do not fit.
#include "golden_logits.h"
#include "model/model_file.h"
#include "model_test_support.h"

#include <cstring>

using namespace quant;
using namespace quant::test;

namespace {

// How far weights are from the reference's.
float weight_error(const std::filesystem::path &folder) {
    const auto file = ModelFile::open(folder);
    const json::value document = json::parse(read_file(folder / "golden/golden.json"), "golden.json");
    float most = 0;
    for (const json::value &v : document.at("dequantized_tensors").as_array()) {
        const json::Reader entry(v, "dequantized_tensors");
        const std::vector<float> expected = read_array<float>(folder / "golden" / entry.require_string("file"));
        std::vector<float> found = file->container().decode(file->container().require(entry.require_string("name")));
        REQUIRE(expected.size() <= found.size());
        found.resize(expected.size());
        most = std::max(most, largest_difference(found, expected));
    }
    return most;
}

float weight_only_error(const std::filesystem::path &folder) {
    const auto model = Model::open(folder);
    const json::value document = json::parse(read_file(folder / "golden/golden.json"), "golden.json");
    const json::array &runs = document.at("prompts_weightonly").at("runs").as_array();
    const std::vector<Prompt> prompts = golden_prompts(folder);
    REQUIRE(runs.size() == prompts.size());
    float most = 0;
    for (size_t i = 0; i < runs.size(); i++) {
        const std::string file(runs[i].at("logits_file").as_string());
        most = std::max(most, largest_difference(all_logits(*model, prompts[i].ids), read_array<float>(folder / "golden" / file)));
    }
    return most;
}

} // namespace

TEST_CASE("MXFP4 and BitNet's matrices are the reference's") {
    for (const char *name : {"arch/gpt-oss-mxfp4", "quant/bitnet-packed", "quant/bitnet-bf16-master"}) {
        INFO(name);
        const auto folder = shared(std::string("fixtures/") + name);
        if (folder.empty()) {
            WARN("no fixtures/" << name);
            continue;
        }
        // The mean of magnitudes is summed in another order.
        REQUIRE(weight_error(folder) <= (name == std::string("quant/bitnet-bf16-master") ? 1e-8f : 0.0f));
    }
}

TEST_CASE("logits of BitNet are those of the reference without rounded activations") {
    for (const char *name : {"quant/bitnet-packed", "quant/bitnet-bf16-master"}) {
        INFO(name);
        const auto folder = shared(std::string("fixtures/") + name);
        if (folder.empty()) WARN("no fixtures/" << name);
        else REQUIRE(weight_only_error(folder) <= tolerance);
    }
}

TEST_CASE("what does not fit is refused by key or tensor") {
    if (shared("fixtures/MANIFEST.json").empty()) {
        WARN("no fixtures");
        return;
    }
    const struct {
        const char *model, *file, *from, *to;
        quant_status status;
        std::vector<std::string> words;
    } cases[] = {
        {"arch/gpt-oss-mxfp4", "config.json", "\"swiglu_limit\": 7.0", "\"swiglu_limit\": 8.0", QUANT_ERR_UNSUPPORTED, {"config.json", "swiglu_limit"}},
        {"arch/gpt-oss-mxfp4", "config.json", "\"num_local_experts\": 4", "\"num_local_experts\": 5", QUANT_ERR_MODEL, {"ffn_gate_inp", "4, 256", "5, 256"}},
        {"arch/gpt-oss-mxfp4", "config.json", "\"intermediate_size\": 128", "\"intermediate_size\": 64", QUANT_ERR_MODEL, {"gate_up_proj", "128 rows"}},
        {"arch/gpt-oss-mxfp4", "config.json", "\"sliding_attention\",", "\"linear_attention\",", QUANT_ERR_MODEL, {"layer_types", "linear_attention"}},
        {"arch/gpt-oss-mxfp4", "model.safetensors", "mlp.experts.down_proj_scales", "mlp.experts.down_proj_scalez", QUANT_ERR_NOT_FOUND, {"down_proj_scales"}},
        {"arch/gpt-oss-mxfp4", "model.safetensors", "layers.1.self_attn.sinks", "layers.1.self_attn.sinkz", QUANT_ERR_NOT_FOUND, {"self_attn.sinks"}},
        {"arch/deepseek-v3", "config.json", "\"kv_lora_rank\": 64", "\"kv_lora_rank\": 0", QUANT_ERR_MODEL, {"kv_lora_rank", "0"}},
        {"arch/deepseek-v3", "config.json", "\"kv_lora_rank\": 64", "\"kv_lora_rank\": 63", QUANT_ERR_MODEL, {"kv_b_proj", "256, 64", "256, 63"}},
        {"arch/deepseek-v3", "config.json", "\"qk_rope_head_dim\": 32", "\"qk_rope_head_dim\": 33", QUANT_ERR_MODEL, {"33"}},
        {"arch/deepseek-v3", "config.json", "\"n_group\": 2", "\"n_group\": 3", QUANT_ERR_MODEL, {"expert_group_count", "3", "8"}},
        {"arch/deepseek-v3", "config.json", "\"topk_group\": 1", "\"topk_group\": 3", QUANT_ERR_MODEL, {"expert_group_used_count", "3"}},
        {"arch/deepseek-v3", "config.json", "\"scoring_func\": \"sigmoid\"", "\"scoring_func\": \"sigmoix\"", QUANT_ERR_UNSUPPORTED, {"scoring_func", "sigmoix"}},
        {"arch/deepseek-v3", "config.json", "\"topk_method\": \"noaux_tc\"", "\"topk_method\": \"noaux_tx\"", QUANT_ERR_UNSUPPORTED, {"topk_method"}},
        {"arch/deepseek-v3", "config.json", "\"first_k_dense_replace\": 1", "\"first_k_dense_replace\": 0", QUANT_ERR_NOT_FOUND, {"layers.0.mlp"}},
        {"arch/deepseek-v3", "config.json", "\"mscale_all_dim\": 1.0", "\"mscale_all_dim\": -1", QUANT_ERR_MODEL, {"mscale_all_dim"}},
        {"arch/deepseek-v3", "config.json", "\"rope_interleave\": true", "\"rope_interleave\": false", QUANT_ERR_UNSUPPORTED, {"rope_interleave"}},
        {"quant/bitnet-packed", "config.json", "\"offline\"", "\"inline\"", QUANT_ERR_UNSUPPORTED, {"quantization_mode", "inline"}},
        {"quant/bitnet-packed", "model.safetensors", "attn_sub_norm", "attn_sub_morn", QUANT_ERR_NOT_FOUND, {"attn_sub_norm"}},
    };
    for (const auto &c : cases) {
        INFO(c.model << " " << c.to);
        const ScratchFolder folder;
        copy_files(shared(std::string("fixtures/") + c.model), folder);
        replace_in(folder / c.file, c.from, c.to);
        require_error(c.status, c.words, [&] { Model::open(folder.path()); });
    }
}
