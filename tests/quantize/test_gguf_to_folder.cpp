// A GGUF file becomes the folder that it came from: names, rows, numbers, tokenizer and logits.
#include "model/gguf_tokenizer.h"
#include "model/golden_fixtures.h"
#include "quantize/plan.h"
#include "text/tokenizer_json_writer.h"

#include <algorithm>

using namespace quant;
using namespace quant::test;

namespace {

void make(const std::filesystem::path &from, const std::filesystem::path &to, const char *type, bool exact = false) {
    QuantizeOptions options{.type = type, .method = QUANT_METHOD_ROUND};
    options.keep_floats = options.exact = exact;
    Plan plan(ModelFile::open(from), options);
    Progress none;
    plan.run(to, none);
}

/// What folders of these are needs more than GGUF says, or a layout that is not written.
bool is_written(const std::filesystem::path &folder) {
    const std::string name = folder.filename();
    return name != "deepseek-v3" && name != "gpt-oss-mxfp4" && name != "lfm2";
}

// Every tensor of the first folder is in the second, with the same weights.
void require_same_tensors(const std::filesystem::path &first, const std::filesystem::path &second) {
    const auto a = Container::open(first), b = Container::open(second);
    REQUIRE(a->tensors().size() == b->tensors().size());
    for (const TensorInfo &t : a->tensors()) {
        INFO(t.name);
        const TensorInfo *other = b->find(t.name);
        REQUIRE(other != nullptr);
        REQUIRE(other->shape == t.shape);
        const std::vector<float> x = a->decode(t), y = b->decode(*other);
        // What GGUF keeps with one added has lost what does not fit beside it.
        for (size_t i = 0; i < x.size(); i++) REQUIRE(std::abs(x[i] - y[i]) <= 0x1p-24f);
    }
}

std::vector<int32_t> ids_of(const std::filesystem::path &model, const std::string &text) {
    return Tokenizer::create(ModelFile::open(model)->tokenizer())->encode(text, {});
}

constexpr const char *texts[] = {"The quick brown fox, it's 12345 years old.\n\n  And   then?", "Grüße, 世界! \t<b>x</b>", "", " a"};

} // namespace

TEST_CASE("a folder that became GGUF becomes the folder again") {
    for (const Fixture &f : fixtures_of_architectures()) {
        INFO(f.folder);
        const ScratchFolder scratch;
        make(f.folder, scratch / "made.gguf", "F32");
        if (!is_written(f.folder)) {
            require_error(QUANT_ERR_UNSUPPORTED, {"made.gguf", "cannot be written as a folder"},
                          [&] { make(scratch / "made.gguf", scratch / "again", "safetensors:f32"); });
            continue;
        }
        make(scratch / "made.gguf", scratch / "again", "safetensors:f32");
        require_same_tensors(f.folder, scratch / "again");
        const auto model = Model::open(scratch / "again");
        for (const Prompt &p : golden_prompts(f.folder)) CHECK(largest_difference(all_logits(*model, p.ids), p.logits) <= f.tolerance);
        for (const char *text : texts) CHECK(ids_of(scratch / "again", text) == ids_of(f.folder, text));
    }
}

TEST_CASE("a GGUF file of 4 bits becomes GPTQ without a change, and otherwise only where it is allowed to") {
    const auto base = shared("fixtures/quant/llama-base");
    if (base.empty()) {
        WARN("no fixtures/quant/llama-base");
        return;
    }
    const ScratchFolder scratch;
    make(base, scratch / "q4.gguf", "Q4_0");
    make(scratch / "q4.gguf", scratch / "gptq", "gptq:4:32", true);
    const auto before = ModelFile::open(scratch / "q4.gguf"), after = ModelFile::open(scratch / "gptq");
    for (const ModelTensor &t : before->tensors()) {
        const ModelTensor *other = t.role ? after->find(t.role->role, t.role->layer) : nullptr;
        INFO(t.name);
        REQUIRE(other != nullptr);
        std::vector<float> x(t.elements()), y(t.elements());
        before->decode_rows(t, 0, t.rows(), x.data());
        after->decode_rows(*other, 0, t.rows(), y.data());
        REQUIRE(x == y);
    }
    require_error(QUANT_ERR_ARGUMENT, {"layers.0.", "Q4_0", "INT4_G128"}, [&] { make(scratch / "q4.gguf", scratch / "awq", "awq:4:128", true); });
    make(scratch / "q4.gguf", scratch / "awq", "awq:4:128");
    REQUIRE(ModelFile::open(scratch / "awq")->tensors().size() == before->tensors().size());
}

TEST_CASE("tokenizers of GGUF files become tokenizer.json that makes the same ids") {
    const auto root = shared("fixtures/tokenizer");
    if (root.empty()) {
        WARN("no fixtures/tokenizer");
        return;
    }
    size_t written = 0;
    for (const auto &entry : std::filesystem::directory_iterator(root)) {
        INFO(entry.path().filename().string());
        Metadata keys(entry.path().filename().string());
        write_gguf_tokenizer(read_tokenizer_json(entry.path()), keys);
        const TokenizerSpec spec = read_gguf_tokenizer(keys);
        if (spec.model == TokenizerModel::unigram) {
            require_error(QUANT_ERR_UNSUPPORTED, {"only BPE"}, [&] { write_tokenizer_files(spec, 64); });
            continue;
        }
        const TokenizerFiles files = write_tokenizer_files(spec, 64);
        const ScratchFolder folder;
        write_file(folder / "tokenizer.json", files.tokenizer);
        write_file(folder / "tokenizer_config.json", files.config);
        write_file(folder / "generation_config.json", files.generation);
        const auto from_gguf = Tokenizer::create(spec), from_folder = Tokenizer::create(read_tokenizer_json(folder.path()));
        for (const char *text : texts) {
            CHECK(from_folder->encode(text, {}) == from_gguf->encode(text, {}));
            CHECK(from_folder->decode(from_folder->encode(text, {}), true) == from_gguf->decode(from_gguf->encode(text, {}), true));
        }
        written++;
    }
    REQUIRE(written >= 5);
}
