// Tokenizers in GGUF metadata: both ways for every fixture, hostile keys, and the
// published vocabularies where they are present.
#include "base/log.h"
#include "container/container.h"
#include "model/gguf_tokenizer.h"
#include "test_support.h"

#include <sstream>

using namespace quant;

namespace {

Metadata metadata_of(const char *fixture) {
    Metadata metadata("model.gguf");
    write_gguf_tokenizer(read_tokenizer_json(test::data("tokenizer") / fixture), metadata);
    return metadata;
}

template <class T>
MetadataValue array_of(std::vector<T> elements) {
    return MetadataArray{MetadataArray::Elements(std::move(elements))};
}

void refuse(const char *fixture, const std::string &key, MetadataValue value, quant_status status = QUANT_ERR_TOKENIZER) {
    Metadata metadata = metadata_of(fixture);
    metadata.set(key, std::move(value));
    test::require_error(status, {"model.gguf", key}, [&] { Tokenizer::create(read_gguf_tokenizer(metadata)); });
}

const std::string word_texts[] = {"", "Hello, world!", " don't  stop\n\n12345", "the lighthouse keeper", "\u4E2D\u6587 x"};

} // namespace

TEST_CASE("a tokenizer written to GGUF metadata gives the same ids when read back") {
    for (const char *name : {"bpe-deepseek", "bpe-gpt2", "bpe-llama3", "bpe-qwen2", "spm-bpe-gemma", "spm-bpe-llama2",
                             "unigram-t5"}) {
        const auto before = Tokenizer::create(read_tokenizer_json(test::data("tokenizer") / name));
        const auto after = Tokenizer::create(read_gguf_tokenizer(metadata_of(name)));
        for (const std::string &text : word_texts) {
            INFO(name << ": " << text);
            CHECK(before->encode(text, {}) == after->encode(text, {}));
            CHECK(before->decode(before->encode(text, {}), true) == after->decode(after->encode(text, {}), true));
        }
    }
}

TEST_CASE("hostile tokenizer keys are refused by file and key") {
    const std::string ggml = "tokenizer.ggml.";
    refuse("bpe-gpt2", ggml + "tokens", std::string("text"));
    refuse("bpe-gpt2", ggml + "tokens", array_of(std::vector<int32_t>{1, 2}));
    refuse("bpe-gpt2", ggml + "tokens", array_of(std::vector<std::string>{}));
    refuse("bpe-gpt2", ggml + "token_type", array_of(std::vector<uint8_t>(703, 1)));
    refuse("bpe-gpt2", ggml + "token_type", array_of(std::vector<int32_t>(702, 1)));
    refuse("bpe-gpt2", ggml + "token_type", array_of(std::vector<int32_t>(703, 99)));
    refuse("bpe-gpt2", ggml + "merges", array_of(std::vector<float>{1}));
    refuse("bpe-gpt2", ggml + "eos_token_id", uint32_t{UINT32_MAX});
    refuse("bpe-gpt2", ggml + "bos_token_id", int32_t{-1});
    refuse("bpe-gpt2", ggml + "eot_token_id", std::string("7"));
    refuse("bpe-gpt2", ggml + "add_bos_token", uint32_t{1});
    refuse("bpe-gpt2", ggml + "model", std::string("word-piece-9"), QUANT_ERR_UNSUPPORTED);
    refuse("bpe-gpt2", ggml + "pre", std::string("nobody's"), QUANT_ERR_UNSUPPORTED);
    refuse("spm-bpe-llama2", ggml + "scores", array_of(std::vector<uint8_t>(956, 1)));
    refuse("spm-bpe-llama2", ggml + "scores", array_of(std::vector<float>(3, 1)));
    refuse("unigram-t5", ggml + "precompiled_charsmap", array_of(std::vector<float>(8, 1)));
    refuse("unigram-t5", ggml + "precompiled_charsmap", array_of(std::vector<uint8_t>(3, 1)));
    refuse("bpe-gpt2", "tokenizer.chat_template", uint32_t{3});
}

TEST_CASE("byte tokens have exactly two hexadecimal digits") {
    for (const char *bad : {"<0x-1>", "<0x1>", "<0x123>", "<0xGG>", "<0x 1>", "0x41"}) {
        Metadata metadata = metadata_of("spm-bpe-llama2");
        auto tokens = *metadata.find_strings("tokenizer.ggml.tokens");
        for (std::string &token : tokens)
            if (token == "<0x41>") token = bad;
        metadata.set("tokenizer.ggml.tokens", array_of(std::move(tokens)));
        test::require_error(QUANT_ERR_TOKENIZER, {"byte token"}, [&] { read_gguf_tokenizer(metadata); });
    }
}

TEST_CASE("one token and no ids is no vocabulary") {
    Metadata metadata("tiny.gguf");
    metadata.set("tokenizer.ggml.model", std::string("llama"));
    metadata.set("tokenizer.ggml.tokens", array_of(std::vector<std::string>{"a"}));
    metadata.set("tokenizer.ggml.scores", array_of(std::vector<float>{0}));
    test::require_error(QUANT_ERR_TOKENIZER, {"tiny.gguf", "bos_token_id"}, [&] { read_gguf_tokenizer(metadata); });
}

TEST_CASE("a pre-tokenizer without a name in GGUF is not written") {
    TokenizerSpec spec = read_tokenizer_json(test::data("tokenizer/bpe-gpt2"));
    spec.pre.clear();
    spec.splits = {{.pattern = "odd+"}};
    Metadata metadata;
    test::require_error(QUANT_ERR_UNSUPPORTED, {"odd+"}, [&] { write_gguf_tokenizer(spec, metadata); });
}

TEST_CASE("published vocabularies give the published ids") {
    const auto folder = test::shared("data/tokenizers");
    if (folder.empty()) {
        WARN("no published vocabularies here: nothing compared");
        return;
    }
    const std::string separator = "\n__ggml_vocab_test__\n";
    for (const auto &entry : std::filesystem::directory_iterator(folder)) {
        if (entry.path().extension() != ".gguf") continue;
        const auto tokenizer = Tokenizer::create(read_gguf_tokenizer(Container::open(entry.path())->metadata()));
        std::string inputs = test::read_file(entry.path().string() + ".inp") + separator;
        std::istringstream outputs(test::read_file(entry.path().string() + ".out"));
        size_t equal = 0, total = 0;
        for (std::string line; std::getline(outputs, line); ++total) {
            const size_t end = inputs.find(separator);
            REQUIRE(end != std::string::npos);
            std::istringstream numbers(line);
            const std::vector<int32_t> expected{std::istream_iterator<int32_t>(numbers), {}};
            const auto ids = tokenizer->encode(inputs.substr(0, end), {.add_special = false});
            equal += ids == expected ? 1 : 0;
            inputs.erase(0, end + separator.size());
        }
        INFO(entry.path());
        CHECK(total > 0);
        CHECK(equal == total);
    }
}
