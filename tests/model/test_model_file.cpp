#include "model/file_type.h"
#include "model/model.h"
#include "model_test_support.h"

using namespace quant;
using test::copy_model;
using test::replace_in;
using test::require_error;

TEST_CASE("a folder and its GGUF twin have the same tensors") {
    const auto folder = ModelFile::open(test::data("model/llama-3-rope"));
    const auto gguf = ModelFile::open(test::data("model/llama-3-rope.gguf"));
    REQUIRE(folder->tensors().size() == gguf->tensors().size());
    for (const ModelTensor &a : folder->tensors()) {
        INFO(a.name);
        REQUIRE(a.role);
        const ModelTensor *b = gguf->find(a.role->role, a.role->layer);
        REQUIRE(b);
        REQUIRE(a.shape == b->shape);
        std::vector<float> x(a.elements()), y(b->elements());
        folder->decode_rows(a, 0, a.rows(), x.data());
        gguf->decode_rows(*b, 0, b->rows(), y.data());
        for (size_t i = 0; i < x.size(); i++) REQUIRE(x[i] == Approx(y[i]).epsilon(1e-6));
    }
    REQUIRE(folder->parameters() + 32 == gguf->parameters()); // GGUF counts rope_freqs, which the folder lacks.
    REQUIRE(gguf->type_name() == "BF16");
    REQUIRE(folder->type_name() == "BF16");
}

TEST_CASE("a folder that does not fit its configuration is refused by tensor and key") {
    const struct {
        const char *file, *from, *to;
        quant_status status;
        std::vector<std::string> words;
    } cases[] = {
        {"config.json", "\"num_hidden_layers\": 2", "\"num_hidden_layers\": 3", QUANT_ERR_NOT_FOUND,
         {"config.json", "model.layers.2.", "missing"}},
        {"config.json", "\"intermediate_size\": 512", "\"intermediate_size\": 513", QUANT_ERR_MODEL, {"ffn_gate", "513"}},
        {"config.json", "LlamaForCausalLM", "MambaForCausalLM", QUANT_ERR_UNSUPPORTED, {"Mamba", "LlamaForCausalLM"}},
        {"config.json", "\"silu\"", "\"gelu\"", QUANT_ERR_UNSUPPORTED, {"gelu", "silu"}},
        {"config.json", "\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false", QUANT_ERR_NOT_FOUND,
         {"lm_head.weight"}},
        {"config.json", "\"num_attention_heads\": 4", "\"num_attention_heads\": 0", QUANT_ERR_MODEL, {"num_attention_heads"}},
        {"config.json", "\"rope_type\": \"llama3\"", "\"rope_type\": \"dynamic\"", QUANT_ERR_UNSUPPORTED, {"dynamic"}},
        {"config.json", "\"vocab_size\": 512,", "\"vocab_size\": ,", QUANT_ERR_FORMAT, {"config.json"}},
        {"config.json", "\"architectures\": [", "\"quantization_config\": {\"quant_method\": \"gptq\"}, \"architectures\": [",
         QUANT_ERR_UNSUPPORTED, {"gptq"}},
    };
    for (const auto &c : cases) {
        const test::ScratchFolder folder;
        copy_model("llama-3-rope", folder);
        replace_in(folder / c.file, c.from, c.to);
        INFO(c.to);
        require_error(c.status, c.words, [&] { Model::open(folder.path()); });
    }
}

TEST_CASE("a folder without its parts says which part") {
    for (const char *part : {"config.json", "tokenizer.json", "model.safetensors"}) {
        const test::ScratchFolder folder;
        copy_model("llama-3-rope", folder);
        std::filesystem::remove(folder / part);
        require_error(QUANT_ERR_NOT_FOUND, {part}, [&] { Model::open(folder.path()); });
    }
}

TEST_CASE("file types have a number for each name") {
    for (uint32_t n = 0; n < 64; n++)
        if (const auto name = file_type_name(n); !name.empty()) REQUIRE(file_type_number(name) == n);
    REQUIRE(file_type_number("q4_k_m") == 15u);
    REQUIRE_FALSE(file_type_number("Q4"));
}
