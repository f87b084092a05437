// Adapters: the reference library's logits with them, files of either kind, and what is refused.
#include "adapter_test_support.h"
#include "golden_logits.h"
#include "model_test_support.h"

using namespace quant;
using test::all_logits, test::golden_prompts, test::largest_difference, test::Prompt, test::tolerance,
    test::require_error;

namespace {

std::shared_ptr<const Model> base_model() {
    static const auto model = Model::open(test::data("model/llama-base"));
    return model;
}

std::shared_ptr<const Adapter> open_for(const Model &model, const std::filesystem::path &path) {
    return Adapter::open(model.file_pointer(), path);
}

std::vector<float> logits_with(const Model &model, const AdapterSet &set, std::span<const int32_t> ids) {
    return all_logits(model, ids, &set);
}

void require_golden(const Model &model, const std::filesystem::path &adapter, const std::filesystem::path &golden) {
    INFO(adapter);
    const AdapterSet set = {{open_for(model, adapter), 1}};
    for (const Prompt &p : golden_prompts(golden))
        REQUIRE(largest_difference(logits_with(model, set, p.ids), p.logits) <= tolerance);
}

std::vector<int32_t> some_ids() {
    std::vector<int32_t> ids;
    for (int32_t i = 0; i < 24; i++) ids.push_back(i * 37 % 300);
    return ids;
}

constexpr const char *q_name = "base_model.model.model.layers.0.self_attn.q_proj.lora_";

// The pair of one matrix, as it should be: q_proj is 128 x 256.
std::vector<test::AdapterTensor> q_pair(uint64_t rank = 4) {
    return {test::random_tensor(std::string(q_name) + "A.weight", rank, 256, 1),
            test::random_tensor(std::string(q_name) + "B.weight", 128, rank, 2)};
}

void refused_peft(quant_status status, const std::vector<std::string> &words, const std::string &config,
                  const std::vector<test::AdapterTensor> &tensors) {
    const test::ScratchFolder scratch;
    test::write_peft(scratch / "lora", config, tensors);
    INFO(config);
    require_error(status, words, [&] { open_for(*base_model(), scratch / "lora"); });
}

constexpr const char *usual = R"("r": 4, "lora_alpha": 8)";

} // namespace

TEST_CASE("logits of a base with a PEFT adapter are those of the reference library") {
    require_golden(*base_model(), test::data("model/llama-lora"), test::data("model/llama-lora"));
    require_golden(*base_model(), test::data("model/llama-lora/adapter_model.safetensors"),
                   test::data("model/llama-lora"));
}

TEST_CASE("logits of a base with the same adapter as a GGUF file are the same") {
    require_golden(*base_model(), test::data("model/llama-lora.gguf"), test::data("model/llama-lora"));
}

TEST_CASE("logits of a base in NF4 with a PEFT adapter are those of the reference library") {
    const auto base = test::shared("fixtures/quant/bnb-nf4"), adapter = test::shared("fixtures/lora/llama-lora-on-nf4");
    if (base.empty() || adapter.empty()) {
        WARN("no fixtures/lora/llama-lora-on-nf4");
        return;
    }
    std::shared_ptr<const Model> model;
    try {
        model = Model::open(base);
    } catch (const Error &e) {
        REQUIRE(e.status() == QUANT_ERR_UNSUPPORTED);
        WARN("the base does not open yet: " << e.what());
        return;
    }
    require_golden(*model, adapter, adapter);
}

TEST_CASE("greedy decoding with an adapter, token by token, follows the reference") {
    const auto model = base_model();
    const AdapterSet set = {{open_for(*model, test::data("model/llama-lora")), 1}};
    for (const Prompt &p : golden_prompts(test::data("model/llama-lora"))) {
        KvCache cache(model->hyperparameters(), 512);
        Forward forward(*model, default_pool());
        std::vector<float> logits(model->hyperparameters().vocabulary);
        std::vector<int32_t> next = p.ids;
        uint32_t position = 0;
        for (const int32_t expected : p.greedy) {
            const SequenceRun run{&cache, next, position, 1, logits.data(), nullptr, &set};
            forward.run({&run, 1});
            position += static_cast<uint32_t>(next.size());
            next = {static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin())};
            REQUIRE(next[0] == expected);
        }
    }
}

TEST_CASE("a folder's adapter changes its GGUF twin in the same way") {
    const auto folder = Model::open(test::data("model/llama-3-rope")),
               gguf = Model::open(test::data("model/llama-3-rope.gguf"));
    const test::ScratchFolder scratch;
    test::write_peft(scratch / "lora", usual, test::random_adapter(folder->hyperparameters(), 4, 5));
    const std::vector<int32_t> ids = some_ids();
    const auto of_folder = logits_with(*folder, {{open_for(*folder, scratch / "lora"), 1}}, ids);
    REQUIRE(largest_difference(of_folder, all_logits(*folder, ids)) > 0.1f);
    REQUIRE(largest_difference(of_folder, logits_with(*gguf, {{open_for(*gguf, scratch / "lora"), 1}}, ids)) <=
            tolerance);
}

TEST_CASE("several adapters add up, each by its scale") {
    const auto model = base_model();
    const test::ScratchFolder scratch;
    // Of rank 1 and 2, and together as one of rank 3 whose B has the scales.
    const Hyperparameters &h = model->hyperparameters();
    const auto one = test::random_adapter(h, 1, 100), two = test::random_adapter(h, 2, 200);
    test::write_peft(scratch / "one", R"("r": 1, "lora_alpha": 1)", one);
    test::write_peft(scratch / "two", R"("r": 2, "lora_alpha": 2)", two);
    std::vector<test::AdapterTensor> sum;
    for (size_t i = 0; i < one.size(); i++) {
        test::AdapterTensor t = one[i];
        if (i % 2 == 0) {
            t.shape[0] = 3;
            t.values.insert(t.values.end(), two[i].values.begin(), two[i].values.end());
        } else {
            t.shape[1] = 3;
            t.values.clear();
            for (size_t r = 0; r < one[i].values.size(); r++)
                for (const float v :
                     {0.5f * one[i].values[r], -2 * two[i].values[2 * r], -2 * two[i].values[2 * r + 1]})
                    t.values.push_back(v);
        }
        sum.push_back(t);
    }
    test::write_peft(scratch / "sum", R"("r": 3, "lora_alpha": 3)", sum);
    const auto ids = some_ids();
    const auto apart =
        logits_with(*model, {{open_for(*model, scratch / "one"), 0.5f}, {open_for(*model, scratch / "two"), -2}}, ids);
    const auto together = logits_with(*model, {{open_for(*model, scratch / "sum"), 1}}, ids);
    REQUIRE(largest_difference(together, all_logits(*model, ids)) > 0.1f);
    REQUIRE(largest_difference(apart, together) <= tolerance);
}

TEST_CASE("rank_pattern, alpha_pattern and use_rslora make what their factors say") {
    const auto model = base_model();
    const test::ScratchFolder scratch;
    auto tensors = q_pair(4);
    tensors.push_back(test::random_tensor("base_model.model.model.layers.1.mlp.up_proj.lora_A.weight", 2, 256, 3));
    tensors.push_back(test::random_tensor("base_model.model.model.layers.1.mlp.up_proj.lora_B.weight", 128, 2, 4));
    test::write_peft(scratch / "lora", R"("r": 4, "lora_alpha": 8, "use_rslora": true, "rank_pattern": {"up_proj": 2},
        "alpha_pattern": {"layers\\.[1-9]\\.mlp\\.(up|down)_proj": 3, "proj": 1000})",
                     tensors);
    const auto adapter = open_for(*model, scratch / "lora");
    REQUIRE(adapter->matrices() == 2);
    REQUIRE(adapter->rank() == 4);
    REQUIRE(adapter->find({Role::attention_q, 0})->factor == Approx(8 / 2.0)); // "proj" alone is no module.
    REQUIRE(adapter->find({Role::ffn_up, 1})->factor == Approx(3 / std::sqrt(2.0)));
    REQUIRE(adapter->find({Role::ffn_up, 0}) == nullptr);
}

TEST_CASE("an adapter of the output matrix changes logits, also of a base whose embedding that is") {
    const auto model = base_model();
    const test::ScratchFolder scratch;
    test::write_peft(scratch / "lora", usual,
                     {test::random_tensor("base_model.model.lm_head.lora_A.weight", 4, 256, 1),
                      test::random_tensor("base_model.model.lm_head.lora_B.weight", 352, 4, 2)});
    const AdapterSet set = {{open_for(*model, scratch / "lora"), 1}};
    REQUIRE(largest_difference(logits_with(*model, set, some_ids()), all_logits(*model, some_ids())) > 0.1f);
    require_error(QUANT_ERR_UNSUPPORTED, {"lora", "embedding", "merged"},
                  [&] { with_merged(model->file_pointer(), set); });
}

TEST_CASE("what a PEFT configuration asks for and is not done is refused by name") {
    const auto refused = [](const std::string &more, const std::vector<std::string> &words) {
        refused_peft(QUANT_ERR_UNSUPPORTED, words, std::string(usual) + ", " + more, q_pair());
    };
    refused(R"("use_dora": true)", {"adapter_config.json", "use_dora", "true"});
    refused(R"("modules_to_save": ["lm_head"])", {"modules_to_save", "lm_head"});
    refused(R"("layer_replication": [[0, 2]])", {"layer_replication"});
    refused(R"("trainable_token_indices": {"embed_tokens": [1]})", {"trainable_token_indices"});
    refused(R"("lora_bias": true)", {"lora_bias"});
    refused(R"("init_lora_weights": "pissa_niter_4")", {"init_lora_weights", "pissa_niter_4", "plain LoRA"});
    refused(R"("a_key_of_tomorrow": 3)", {"a_key_of_tomorrow", "3"});
    const auto of_type = [](const char *type) {
        const test::ScratchFolder scratch;
        test::write_peft(scratch / "lora", usual, q_pair());
        test::write_file(scratch / "lora/adapter_config.json", type);
        require_error(QUANT_ERR_UNSUPPORTED, {"adapter_config.json"},
                      [&] { open_for(*base_model(), scratch / "lora"); });
    };
    of_type(R"({"peft_type": "LOHA", "r": 4, "lora_alpha": 8})");
    of_type(R"({"peft_type": "LORA", "r": 4, "lora_alpha": 8, "bias": "all"})");
}

TEST_CASE("what is set and changes nothing is taken") {
    const test::ScratchFolder scratch;
    test::write_peft(scratch / "lora", std::string(usual) + R"(, "fan_in_fan_out": true, "lora_dropout": 0.1,
        "init_lora_weights": "gaussian", "target_modules": "all-linear", "task_type": "CAUSAL_LM", "use_dora": false)",
                     q_pair());
    REQUIRE(open_for(*base_model(), scratch / "lora")->matrices() == 1);
}

TEST_CASE("numbers of a configuration that make no sense are refused by key") {
    const auto refused = [](const std::string &config, const std::vector<std::string> &words) {
        refused_peft(QUANT_ERR_FORMAT, words, config, q_pair());
    };
    refused(R"("r": 0, "lora_alpha": 8)", {"\"r\"", "rank of 0"});
    refused(R"("r": 99999999, "lora_alpha": 8)", {"\"r\"", "99999999"});
    refused(R"("r": -4, "lora_alpha": 8)", {"\"r\"", "not negative"});
    refused(R"("lora_alpha": 8)", {"\"r\"", "missing"});
    refused(R"("r": 4)", {"lora_alpha", "missing"});
    refused(R"("r": 4, "lora_alpha": 1e30)", {"lora_alpha", "1e+30"});
    refused(R"("r": 4, "lora_alpha": -1)", {"lora_alpha", "-1"});
    refused(R"("r": 4, "lora_alpha": "8")", {"lora_alpha", "a number"});
    refused(R"("r": 8, "lora_alpha": 8)", {q_name, "[4, 256]", "rank is 8"});
    refused(R"("r": 4, "lora_alpha": 8, "rank_pattern": {"q_proj": 2})", {"rank is 2"});
    refused(R"("r": 4, "lora_alpha": 8, "rank_pattern": {"q_(proj": 2})", {"rank_pattern", "does not parse"});
    refused(R"("r": 4, "lora_alpha": 8, "alpha_pattern": {"q_proj": 0})", {"alpha_pattern", "q_proj"});
}

TEST_CASE("tensors that do not fit their base are refused by name, with what was expected") {
    const auto refused = [](quant_status status, const std::vector<std::string> &words,
                            const std::vector<test::AdapterTensor> &tensors) {
        refused_peft(status, words, usual, tensors);
    };
    auto t = q_pair();
    refused(QUANT_ERR_FORMAT, {"q_proj.lora_A.weight", "other factor", "missing"}, {t[0]});
    refused(QUANT_ERR_FORMAT, {"q_proj.lora_B.weight", "other factor", "missing"}, {t[1]});
    t = q_pair(), t[1].shape = {4, 128};
    refused(QUANT_ERR_MODEL, {"q_proj.lora_B.weight", "[4, 128]", "[128, 4]", "128 x 256"}, t);
    t = q_pair(), t[0].shape = {4, 16, 16};
    refused(QUANT_ERR_MODEL, {"q_proj.lora_A.weight", "[4, 16, 16]", "[4, 256]"}, t);
    t = q_pair(), t[0].shape = {4, 128}, t[0].values.resize(512);
    refused(QUANT_ERR_MODEL, {"q_proj.lora_A.weight", "[4, 128]", "[4, 256]"}, t);
    t = q_pair(), t[0] = {t[0].name, {0, 256}, {}}, t[1] = {t[1].name, {128, 0}, {}};
    refused(QUANT_ERR_FORMAT, {"[0, 256]", "rank is 4"}, t);
    t = q_pair(), t[1].values[17] = NAN;
    refused(QUANT_ERR_FORMAT, {"q_proj.lora_B.weight", "row 4", "not finite"}, t);
    t = q_pair(), t[0].values[300] = INFINITY;
    refused(QUANT_ERR_FORMAT, {"q_proj.lora_A.weight", "row 1", "not finite"}, t);
    const auto named = [&](const std::string &module) {
        t = q_pair(), t[0].name = module + ".lora_A.weight", t[1].name = module + ".lora_B.weight";
        return t;
    };
    refused(QUANT_ERR_UNSUPPORTED, {"layers.7.", "no matrix"},
            named("base_model.model.model.layers.7.self_attn.q_proj"));
    refused(QUANT_ERR_UNSUPPORTED, {"visual", "no matrix"}, named("base_model.model.visual.q_proj"));
    refused(QUANT_ERR_UNSUPPORTED, {"embed_tokens", "takes no adapter"}, named("base_model.model.model.embed_tokens"));
    refused(QUANT_ERR_UNSUPPORTED, {"input_layernorm", "takes no adapter"},
            named("base_model.model.model.layers.0.input_layernorm"));
    t = q_pair(), t[0].name = "base_model.model.model.layers.0.self_attn.q_proj.lora_magnitude_vector";
    refused(QUANT_ERR_UNSUPPORTED, {"lora_magnitude_vector", ".lora_A.weight"}, t);
    t = q_pair(), t.push_back(t[0]), t[2].name = "model.layers.0.self_attn.q_proj.lora_A.weight";
    refused(QUANT_ERR_FORMAT, {"both the same factor", "attn_q"}, t);
    refused(QUANT_ERR_FORMAT, {"no tensor"}, {});
}

TEST_CASE("GGUF adapters that are none, or another model's, are refused") {
    const test::ScratchFolder scratch;
    const auto path = scratch / "lora.gguf";
    const std::vector<test::AdapterTensor> good = {test::random_tensor("blk.0.attn_q.weight.lora_a", 4, 256, 1),
                                                   test::random_tensor("blk.0.attn_q.weight.lora_b", 128, 4, 2)};
    const auto refused = [&](quant_status status, const std::vector<std::string> &words, const char *key,
                             const MetadataValue &value, const std::vector<test::AdapterTensor> &tensors) {
        Metadata keys = test::gguf_adapter_keys(8);
        if (key) keys.set(key, value);
        test::write_gguf_adapter(path, keys, tensors);
        require_error(status, words, [&] { open_for(*base_model(), path); });
    };
    refused(QUANT_ERR_FORMAT, {"general.type", "model"}, "general.type", std::string("model"), good);
    refused(QUANT_ERR_UNSUPPORTED, {"adapter.type", "control_vector"}, "adapter.type", std::string("control_vector"),
            good);
    refused(QUANT_ERR_ARGUMENT, {"qwen3", "llama"}, "general.architecture", std::string("qwen3"), good);
    refused(QUANT_ERR_FORMAT, {"adapter.lora.alpha", "nan"}, "adapter.lora.alpha", NAN, good);
    refused(QUANT_ERR_FORMAT, {"adapter.lora.alpha", "0"}, "adapter.lora.alpha", 0.0f, good);
    refused(QUANT_ERR_UNSUPPORTED, {"adapter.alora.invocation_tokens"}, "adapter.alora.invocation_tokens",
            MetadataArray{std::vector<int32_t>{1, 2}}, good);
    auto t = good;
    t[0].name = "blk.0.attn_norm.weight";
    refused(QUANT_ERR_UNSUPPORTED, {"blk.0.attn_norm.weight", "lora_a"}, nullptr, {}, t);
    t = good, t[0].name = "blk.9.attn_q.weight.lora_a";
    refused(QUANT_ERR_UNSUPPORTED, {"blk.9.attn_q", "takes no adapter"}, nullptr, {}, t);
    t = good, t[0].name = "blk.0.ffn_up_exps.weight.lora_a";
    refused(QUANT_ERR_UNSUPPORTED, {"ffn_up_exps", "experts"}, nullptr, {}, t);
    refused(QUANT_ERR_FORMAT, {"other factor"}, nullptr, {}, {good[0]});
    require_error(QUANT_ERR_FORMAT, {"general.type"},
                  [&] { open_for(*base_model(), test::data("model/llama-3-rope.gguf")); });
    require_error(QUANT_ERR_NOT_FOUND, {"adapter_config.json"},
                  [&] { open_for(*base_model(), test::data("model/llama-base")); });
    require_error(QUANT_ERR_NOT_FOUND, {"nowhere"}, [&] { open_for(*base_model(), scratch / "nowhere"); });
}

TEST_CASE("files of adapters that end early fail at every length") {
    const test::ScratchFolder scratch;
    const std::string whole = test::read_file(test::data("model/llama-lora.gguf"));
    for (size_t length = 0; length < whole.size(); length += 97 + length / 8) {
        test::write_file(scratch / "cut.gguf", whole.substr(0, length));
        REQUIRE_THROWS_AS(open_for(*base_model(), scratch / "cut.gguf"), Error);
    }
    test::write_peft(scratch / "lora", usual, q_pair());
    const std::string tensors = test::read_file(scratch / "lora/adapter_model.safetensors");
    for (size_t length = 0; length < tensors.size(); length += 97) {
        test::write_file(scratch / "lora/adapter_model.safetensors", tensors.substr(0, length));
        REQUIRE_THROWS_AS(open_for(*base_model(), scratch / "lora"), Error);
    }
    std::filesystem::remove(scratch / "lora/adapter_model.safetensors");
    require_error(QUANT_ERR_NOT_FOUND, {"adapter_model.safetensors"},
                  [&] { open_for(*base_model(), scratch / "lora"); });
}

TEST_CASE("a set of adapters that does not go together is refused") {
    const auto model = base_model(), other = Model::open(test::data("model/llama-3-rope"));
    const auto adapter = open_for(*model, test::data("model/llama-lora"));
    require_error(QUANT_ERR_ARGUMENT, {"llama-lora", "another model"}, [&] {
        checked_adapters({{adapter, 1}}, other->file());
    });
    require_error(QUANT_ERR_ARGUMENT, {"llama-lora", "twice"}, [&] {
        checked_adapters({{adapter, 1}, {adapter, 2}}, model->file());
    });
    require_error(QUANT_ERR_ARGUMENT, {"scale nan"}, [&] { checked_adapters({{adapter, NAN}}, model->file()); });
    require_error(QUANT_ERR_ARGUMENT, {"scale", "1001"}, [&] { checked_adapters({{adapter, -1001}}, model->file()); });
    REQUIRE(checked_adapters({{adapter, 0}}, model->file()).empty());
    REQUIRE(checked_adapters({{adapter, -0.5f}}, model->file()).size() == 1);
}
