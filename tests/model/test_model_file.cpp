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

namespace {

std::vector<float> rows_of(const ModelFile &file, const ModelTensor &tensor, RowOrder order) {
    std::vector<float> out(tensor.elements());
    file.decode_rows(tensor, 0, tensor.rows(), out.data(), order);
    return out;
}

// Row `row` of `whole`, whose rows have `cols` elements.
std::vector<float> row_of(const std::vector<float> &whole, uint64_t row, uint64_t cols) {
    const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(row * cols);
    return {begin, begin + static_cast<std::ptrdiff_t>(cols)};
}

} // namespace

TEST_CASE("a view has its rows of a stored matrix, decoded and as bytes") {
    const auto file = ModelFile::open(test::data("model/llama-3-rope"));
    const ModelTensor &stored = *file->find(Role::ffn_up, 1);
    const std::vector<float> whole = rows_of(*file, stored, RowOrder::source);
    const uint64_t cols = stored.cols();
    for (const RowView view : {RowView{7, 1}, RowView{0, 2}, RowView{1, 2}}) {
        INFO(view.first << " " << view.step);
        ModelTensor tensor = stored;
        tensor.view = view, tensor.shape = {200, cols};
        const std::vector<float> rows = rows_of(*file, tensor, RowOrder::source);
        const PackedMatrix matrix = borrow_matrix(*file, tensor, 0);
        REQUIRE(tensor.source_bytes() == matrix.encoded_size());
        std::vector<float> packed(cols);
        for (uint64_t r = 0; r < 200; r++) {
            REQUIRE(row_of(rows, r, cols) == row_of(whole, view.first + r * view.step, cols));
            matrix.decode_row(r, packed.data());
            REQUIRE(packed == row_of(rows, r, cols));
        }
        const std::span<const std::byte> all = file->container().data(*stored.source);
        const std::byte *first = matrix.row_bytes(0).data();
        const bool borrowed = first >= all.data() && first < all.data() + all.size();
        REQUIRE(borrowed == (view.step == 1));
    }
}

TEST_CASE("the heads of a view are interleaved within it") {
    const auto file = ModelFile::open(test::data("model/llama-3-rope"));
    const ModelTensor &q = *file->find(Role::attention_q, 0);
    const uint64_t head_dim = file->hyperparameters().head_dim, cols = q.cols();
    ModelTensor last = q; // The last two heads of four.
    last.shape[0] /= 2, last.permute_heads /= 2, last.view.first = last.shape[0];
    const std::vector<float> whole = rows_of(*file, q, RowOrder::source);
    const std::vector<float> plain = rows_of(*file, last, RowOrder::source), rows = rows_of(*file, last, RowOrder::gguf);
    for (uint64_t r = 0; r < last.rows(); r++) {
        const uint64_t head = r / head_dim, pair = r % head_dim / 2;
        const uint64_t from = 2 * head_dim + head * head_dim + pair + (r % 2) * head_dim / 2;
        REQUIRE(row_of(rows, r, cols) == row_of(whole, from, cols));
        REQUIRE(row_of(plain, r, cols) == row_of(whole, 2 * head_dim + r, cols));
    }
}

TEST_CASE("a view of a vector, and of vectors below each other, has their elements") {
    const auto file = ModelFile::open(test::data("model/llama-3-rope"));
    ModelTensor tensor = *file->find(Role::ffn_norm, 0);
    const std::vector<float> whole = rows_of(*file, tensor, RowOrder::source);
    tensor.view = {1, 2}, tensor.shape = {100};
    const std::vector<float> some = rows_of(*file, tensor, RowOrder::gguf);
    for (uint64_t i = 0; i < some.size(); i++) REQUIRE(some[i] == whole[1 + 2 * i]);

    const ModelTensor &up = *file->find(Role::ffn_up, 0); // Its rows stand for biases of experts.
    tensor.source = up.source, tensor.shape = {8, 64}, tensor.view = {3, 2};
    const std::vector<float> matrix = rows_of(*file, up, RowOrder::source), biases = rows_of(*file, tensor, RowOrder::gguf);
    for (uint64_t e = 0; e < 8; e++)
        for (uint64_t i = 0; i < 64; i++) REQUIRE(biases[e * 64 + i] == matrix[e * up.cols() + 3 + 2 * i]);
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
        {"config.json", "\"rope_type\": \"llama3\"", "\"rope_type\": \"cubic\"", QUANT_ERR_UNSUPPORTED, {"cubic"}},
        {"config.json", "\"vocab_size\": 512,", "\"vocab_size\": ,", QUANT_ERR_FORMAT, {"config.json"}},
        {"config.json", "\"architectures\": [", "\"quantization_config\": {\"quant_method\": \"secret\"}, \"architectures\": [",
         QUANT_ERR_UNSUPPORTED, {"secret", "gptq"}},
    };
    for (const auto &c : cases) {
        const test::ScratchFolder folder;
        copy_model("llama-3-rope", folder);
        replace_in(folder / c.file, c.from, c.to);
        INFO(c.to);
        require_error(c.status, c.words, [&] { Model::open(folder.path()); });
    }
}

TEST_CASE("a configuration that cannot be is refused by file and key") {
    const struct {
        const char *fixture, *from, *to;
        quant_status status;
        std::vector<std::string> words;
    } cases[] = {
        {"smollm3", "\"no_rope_layers\": [", "\"no_rope_layers\": [1, ", QUANT_ERR_MODEL, {"no_rope_layers", "2 layers"}},
        {"smollm3", "\"no_rope_layers\": [", "\"no_rope_layers\": [2], \"was\": [", QUANT_ERR_MODEL, {"no_rope_layers"}},
        {"gemma3-text", "\"layer_types\": [", "\"layer_types\": [\"full_attention\", ", QUANT_ERR_MODEL, {"layer_types", "4", "3"}},
        {"gemma3-text", "\"full_attention\"", "\"linear_attention\"", QUANT_ERR_MODEL, {"layer_types", "linear_attention"}},
        {"gemma3-text", "\"factor\": 8.0", "\"factor\": 0", QUANT_ERR_MODEL, {"factor"}},
        {"gemma3-text", "\"rope_local_base_freq\": 10000.0", "\"rope_local_base_freq\": -1", QUANT_ERR_MODEL, {"freq_base_swa"}},
        {"gemma2", "\"query_pre_attn_scalar\": 48", "\"query_pre_attn_scalar\": 0", QUANT_ERR_MODEL, {"query_pre_attn_scalar"}},
        {"gemma2", "\"attn_logit_softcapping\": 20.0", "\"attn_logit_softcapping\": -20.0", QUANT_ERR_MODEL, {"attn_logit_softcapping"}},
        {"gemma2", "\"sliding_window\": 32", "\"sliding_window\": \"all\"", QUANT_ERR_FORMAT, {"sliding_window"}},
        {"granite", "\"logits_scaling\": 2.0", "\"logits_scaling\": 0", QUANT_ERR_MODEL, {"logit_scale"}},
        {"granite", "\"attention_bias\": false", "\"attention_bias\": true", QUANT_ERR_NOT_FOUND, {"q_proj.bias"}},
        {"granite", "\"mlp_bias\": false", "\"mlp_bias\": true", QUANT_ERR_NOT_FOUND, {"gate_proj.bias"}},
        {"lfm2", "\"conv_L_cache\": 3", "\"conv_L_cache\": 0", QUANT_ERR_MODEL, {"conv_L_cache", "1 to 64"}},
        {"lfm2", "\"conv_L_cache\": 3", "\"conv_L_cache\": 4", QUANT_ERR_MODEL, {"shortconv.conv.weight", "[256, 4]"}},
        {"lfm2", "\"conv_bias\": false", "\"conv_bias\": true", QUANT_ERR_MODEL, {"conv_bias"}},
        {"lfm2", "\"full_attention\"\n", "\"conv\"\n", QUANT_ERR_MODEL, {"head_count_kv", "no layer"}},
        {"lfm2", "\"conv\",\n    \"full_attention\"", "\"full_attention\",\n    \"conv\"", QUANT_ERR_NOT_FOUND, {"layers.0.self_attn.q_proj.weight"}},
        {"lfm2", "\"conv\",\n    \"full_attention\"", "\"sliding_attention\",\n    \"full_attention\"", QUANT_ERR_MODEL, {"sliding_attention", "\"conv\""}},
        {"lfm2", "\"block_ff_dim\": 128", "\"block_ff_dim\": 0", QUANT_ERR_MODEL, {"block_ff_dim", "1 to"}},
        {"lfm2", "\"tie_embedding\": true", "\"tie_embedding\": false", QUANT_ERR_NOT_FOUND, {"lm_head.weight"}},
        {"lfm2", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 0", QUANT_ERR_MODEL, {"num_key_value_heads"}},
        {"lfm2", "\"num_attention_heads\": 4", "\"num_attention_heads\": 4, \"head_dim\": 32", QUANT_ERR_MODEL, {"key_length", "256"}},
        {"phi3", "\"num_key_value_heads\": 2", "\"num_key_value_heads\": 4", QUANT_ERR_MODEL, {"qkv_proj", "768"}},
        {"phi3", "\"partial_rotary_factor\": 1.0", "\"partial_rotary_factor\": 0.01", QUANT_ERR_MODEL, {"partial_rotary_factor"}},
        {"phi3-longrope", "\"short_factor\": [", "\"short_factor\": [1.0, ", QUANT_ERR_MODEL, {"short_factor", "24"}},
        {"phi3-longrope", "\"long_factor\": [", "\"long_factor\": [0], \"was\": [", QUANT_ERR_MODEL, {"long_factor"}},
        {"phi3-longrope", "\"original_max_position_embeddings\": 48", "\"original_max_position_embeddings\": 0", QUANT_ERR_MODEL,
         {"original_max_position_embeddings"}},
        {"qwen2", "\"rope_theta\": 1000000.0", "\"rope_theta\": 0", QUANT_ERR_MODEL, {"rope_theta"}},
    };
    if (test::shared("fixtures/arch").empty()) WARN("no fixtures/arch");
    for (const auto &c : cases) {
        const auto source = test::shared(std::string("fixtures/arch/") + c.fixture);
        if (source.empty()) continue;
        const test::ScratchFolder folder;
        test::copy_files(source, folder);
        replace_in(folder / "config.json", c.from, c.to);
        INFO(c.fixture << ": " << c.to);
        std::vector<std::string> words = c.words;
        words.push_back("config.json");
        require_error(c.status, words, [&] { Model::open(folder.path()); });
    }
}

TEST_CASE("a model that convolves is the same by the keys it was published with, and by what is usual") {
    const struct {
        const char *from, *to;
    } cases[] = {
        {"\"intermediate_size\": 128,", ""},
        {"\"intermediate_size\": 128", "\"intermediate_size\": 384"},
        {"\"block_ff_dim\": 128,", ""},
        // Two thirds of it are taken unless the config says otherwise.
        {"\"block_auto_adjust_ff_dim\": false,\n  \"block_dim\": 256,\n  \"block_ff_dim\": 128,", "\"block_ff_dim\": 192,"},
        {"\"tie_word_embeddings\": true", "\"tie_word_embeddings\": false"},
        {"\"tie_embedding\": true,\n  \"tie_word_embeddings\": true,", ""},
        {"\"layer_types\": [\n    \"conv\",\n    \"full_attention\"\n  ],", ""},
        {"\"conv_L_cache\": 3,", ""},
        {"\"rope_theta\": 1000000.0,", ""},
    };
    const auto source = test::shared("fixtures/arch/lfm2");
    if (source.empty()) {
        WARN("no fixtures/arch/lfm2");
        return;
    }
    for (const auto &c : cases) {
        const test::ScratchFolder folder;
        test::copy_files(source, folder);
        replace_in(folder / "config.json", c.from, c.to);
        INFO(c.from << " becomes " << c.to);
        const auto file = ModelFile::open(folder.path());
        const Hyperparameters &h = file->hyperparameters();
        CHECK(h.feed_forward == 128);
        CHECK(h.conv_taps == 3);
        CHECK(h.rope.base == 1e6);
        CHECK((h.convolves(0) && !h.convolves(1)));
        CHECK(file->find(Role::output, 0) == nullptr);
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
