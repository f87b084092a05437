// Tokenizers against the reference library: ids and decoded text of every fixture.
#include "base/json.h"
#include "test_support.h"
#include "text/tokenizer.h"

using namespace quant;

namespace {

std::vector<int32_t> ids_of(const json::value &v) {
    std::vector<int32_t> out;
    for (const json::value &id : v.get_array()) out.push_back(static_cast<int32_t>(id.get_int64()));
    return out;
}

void check_fixture(const std::string &name) {
    const auto folder = test::data("tokenizer/" + name);
    const auto tokenizer = Tokenizer::create(read_tokenizer_json(folder));
    const json::value golden = json::parse(test::read_file(folder / "golden.json"), name);
    const json::Reader reader(golden, name);
    CHECK(tokenizer->size() == reader.require_uint("vocab_size"));
    size_t cases = 0;
    for (const json::value &item : reader.require_array("cases")) {
        const json::Reader c(item, name);
        const std::string text = c.require_string("text");
        INFO(name << ": " << text);
        const auto plain = ids_of(*c.find("ids_no_special"));
        CHECK(tokenizer->encode(text, {.add_special = true}) == ids_of(*c.find("ids")));
        CHECK(tokenizer->encode(text, {.add_special = false}) == plain);
        CHECK(tokenizer->decode(plain, false) == c.require_string("decoded"));
        CHECK(tokenizer->decode(plain, true) == c.require_string("decoded_skip_special"));
        ++cases;
    }
    CHECK(cases == reader.require_uint("n_cases"));
}

} // namespace

TEST_CASE("each tokenizer.json gives the ids and texts of the reference library") {
    for (const char *name : {"bpe-deepseek", "bpe-gpt2", "bpe-llama3", "bpe-qwen2", "spm-bpe-gemma", "spm-bpe-llama2",
                             "unigram-t5", "wordpiece-bert"})
        check_fixture(name);
}

TEST_CASE("pre-tokenizers are recognised by their structure") {
    const auto pre = [](const char *name) { return read_tokenizer_json(test::data("tokenizer") / name).pre; };
    CHECK(pre("bpe-deepseek") == "deepseek-v3");
    CHECK(pre("bpe-gpt2") == "gpt-2");
    CHECK(pre("bpe-llama3") == "llama-bpe");
    CHECK(pre("bpe-qwen2") == "qwen2");
}
