// Tokenizers: what holds for any text, and what happens to specs and files that lie.
#include "test_support.h"
#include "text/pretokenizer.h"
#include "text/tokenizer.h"

#include <random>

using namespace quant;

namespace {

TokenizerSpec fixture(const char *name) { return read_tokenizer_json(test::data("tokenizer") / name); }

constexpr const char *byte_level[] = {"bpe-deepseek", "bpe-gpt2", "bpe-llama3"};

std::string random_text(std::mt19937 &random, bool valid) {
    static const std::string parts[] = {"the ", "keeper", "  ", "\n", "\r\n", "\t", "1234567", "'s", "'LL", "e\u0301",
                                        "\u4E2D\u6587", "\u00A0", "\u3000", "\U0001F44D\U0001F3FD", "\u0663\u00BD",
                                        "!?.", "\u201C\u2026", "\u01C5\u02B0", "<tool_call>", std::string(1, '\0'), "Ab"};
    static const std::string broken[] = {"\xff", "\xc3", "\xe4\xb8", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\x80\x80"};
    std::string out;
    for (size_t n = random() % 24; n > 0; --n) {
        if (!valid && random() % 3 == 0) out += broken[random() % std::size(broken)];
        else out += parts[random() % std::size(parts)];
    }
    return out;
}

void refuse(quant_status status, const std::vector<std::string> &words, TokenizerSpec spec) {
    test::require_error(status, words, [&] { Tokenizer::create(std::move(spec)); });
}

std::string json_with(const std::string &model_and_rest) {
    return R"({"version":"1.0","added_tokens":[{"id":3,"content":"<|x|>","special":true}],"model":)" + model_and_rest + "}";
}

const std::string small_model =
    R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]},"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false})";

} // namespace

TEST_CASE("byte-level BPE gives every text back, broken UTF-8 too, and piece by piece") {
    const unsigned seed = 20240607;
    INFO("seed " << seed);
    for (const char *name : byte_level) {
        const auto tokenizer = Tokenizer::create(fixture(name));
        std::mt19937 random(seed);
        for (int i = 0; i < 400; ++i) {
            const std::string text = random_text(random, i % 2 == 0);
            const auto ids = tokenizer->encode(text, {.add_special = false});
            INFO(name << " case " << i << ": " << printable(text));
            CHECK(tokenizer->decode(ids, false) == text);
            std::string pieces;
            for (const int32_t id : ids) pieces += tokenizer->piece(id);
            CHECK(pieces == text);
        }
    }
}

TEST_CASE("all tokenizers take any bytes") {
    const unsigned seed = 7;
    INFO("seed " << seed);
    for (const char *name : {"bpe-qwen2", "spm-bpe-gemma", "spm-bpe-llama2", "unigram-t5"}) {
        const auto tokenizer = Tokenizer::create(fixture(name));
        std::mt19937 random(seed);
        for (int i = 0; i < 300; ++i) {
            const auto ids = tokenizer->encode(random_text(random, false), {});
            for (const int32_t id : ids) REQUIRE((id >= 0 && static_cast<size_t>(id) < tokenizer->size()));
            CHECK_NOTHROW(tokenizer->decode(ids, true));
        }
    }
}

TEST_CASE("special tokens in a text are text when they are not to be parsed") {
    const auto tokenizer = Tokenizer::create(fixture("bpe-llama3"));
    const std::string text = "a<|eot_id|>b<tool_call>";
    const auto parsed = tokenizer->encode(text, {.add_special = false, .parse_special = true});
    const auto plain = tokenizer->encode(text, {.add_special = false, .parse_special = false});
    const auto has = [](const std::vector<int32_t> &ids, int32_t id) { return std::count(ids.begin(), ids.end(), id) == 1; };
    CHECK(has(parsed, 702));
    CHECK_FALSE(has(plain, 702));
    CHECK(has(plain, 703)); // added, but not special
    CHECK(tokenizer->decode(plain, true) == text);
    CHECK(tokenizer->decode(parsed, true) == "ab<tool_call>");
    CHECK(tokenizer->piece(702).empty());
    CHECK(tokenizer->ends_generation(702));
    CHECK_FALSE(tokenizer->ends_generation(703));
}

TEST_CASE("an id outside the vocabulary is refused") {
    const auto tokenizer = Tokenizer::create(fixture("bpe-gpt2"));
    for (const int32_t id : {-1, 703, INT32_MAX})
        test::require_error(QUANT_ERR_ARGUMENT, {"outside the vocabulary"}, [&] { tokenizer->decode({&id, 1}, false); });
}

TEST_CASE("long runs of one character are tokenized") {
    // Quadratic ways would take minutes here; these finish at once.
    for (const char *name : {"bpe-llama3", "bpe-qwen2", "bpe-deepseek", "spm-bpe-llama2", "unigram-t5"}) {
        const auto tokenizer = Tokenizer::create(fixture(name));
        for (const std::string unit : {"a", " ", "\n", "1", "'", "<", " \n", "\u0301\u0316", "\xff"}) {
            std::string text;
            while (text.size() < 200'000) text += unit;
            INFO(name << ": " << printable(unit));
            CHECK_NOTHROW(tokenizer->encode(text, {}));
        }
    }
}

TEST_CASE("specs that contradict themselves are refused") {
    const TokenizerSpec good = fixture("bpe-gpt2");
    CHECK_NOTHROW(Tokenizer::create(good));
    const auto with = [&](auto change) {
        TokenizerSpec spec = good;
        change(spec);
        return spec;
    };
    refuse(QUANT_ERR_TOKENIZER, {"no tokens"}, with([](auto &s) { s.tokens.clear(); }));
    refuse(QUANT_ERR_TOKENIZER, {"token types"}, with([](auto &s) { s.kinds.pop_back(); }));
    refuse(QUANT_ERR_TOKENIZER, {"scores"}, with([](auto &s) { s.scores = {1.0F}; }));
    refuse(QUANT_ERR_TOKENIZER, {"eos", "4000000"}, with([](auto &s) { s.eos = 4000000; }));
    refuse(QUANT_ERR_TOKENIZER, {"bos"}, with([](auto &s) { s.bos = -2; }));
    refuse(QUANT_ERR_TOKENIZER, {"twice"}, with([](auto &s) { s.tokens[5] = s.tokens[6]; }));
    refuse(QUANT_ERR_TOKENIZER, {"type"}, with([](auto &s) { s.kinds[3] = static_cast<TokenKind>(77); }));
    refuse(QUANT_ERR_TOKENIZER, {"merge 0"}, with([](auto &s) { s.merges[0] = "nospace"; }));
    refuse(QUANT_ERR_TOKENIZER, {"merge 1"}, with([](auto &s) { s.merges[1] = "x "; }));
    refuse(QUANT_ERR_UNSUPPORTED, {"no-such-pre"}, with([](auto &s) { s.pre = "no-such-pre"; }));
    refuse(QUANT_ERR_TOKENIZER, {"needs scores"}, with([](auto &s) { s.model = TokenizerModel::unigram; }));
    refuse(QUANT_ERR_TOKENIZER, {"charsmap"}, with([](auto &s) {
               s.charsmap = "\xff\xff\xff\x7f" "12345";
               s.normalizer.push_back({NormalizerKind::charsmap, "", "", true});
           }));
}

TEST_CASE("a damaged charsmap is followed no further than it goes") {
    std::mt19937 random(11);
    INFO("seed 11");
    for (int i = 0; i < 200; ++i) {
        TokenizerSpec spec = fixture("unigram-t5");
        std::string units(64, '\0');
        for (char &c : units) c = static_cast<char>(random());
        spec.charsmap = std::string("\x40\0\0\0", 4) + units + std::string("xyz\0", 4);
        spec.normalizer = {{NormalizerKind::charsmap, "", "", true}};
        CHECK_NOTHROW(Tokenizer::create(spec)->encode("any text \u00e9 \u4E2D 123", {}));
    }
}

TEST_CASE("tokenizer.json files that lie are refused by name") {
    const test::ScratchFolder scratch;
    const auto refuse_json = [&](quant_status status, const std::vector<std::string> &words, const std::string &text) {
        test::write_file(scratch / "tokenizer.json", text);
        test::require_error(status, words, [&] { Tokenizer::create(read_tokenizer_json(scratch.path())); });
    };
    test::write_file(scratch / "tokenizer.json", json_with(small_model));
    CHECK(Tokenizer::create(read_tokenizer_json(scratch.path()))->encode("ab<|x|>", {}) == std::vector<int32_t>{2, 3});
    refuse_json(QUANT_ERR_FORMAT, {"tokenizer.json"}, "{");
    refuse_json(QUANT_ERR_FORMAT, {"model"}, "{}");
    refuse_json(QUANT_ERR_UNSUPPORTED, {"WordPiece"}, json_with(R"({"type":"WordPiece","vocab":{}})"));
    refuse_json(QUANT_ERR_TOKENIZER, {"id"}, json_with(R"({"type":"BPE","vocab":{"a":-1},"merges":[]})"));
    refuse_json(QUANT_ERR_TOKENIZER, {"99999999999"}, json_with(R"({"type":"BPE","vocab":{"a":99999999999},"merges":[]})"));
    refuse_json(QUANT_ERR_TOKENIZER, {"belongs to"}, json_with(R"({"type":"BPE","vocab":{"a":0,"b":0},"merges":[]})"));
    refuse_json(QUANT_ERR_TOKENIZER, {"merges"}, json_with(R"({"type":"BPE","vocab":{"a":0},"merges":[["a"]]})"));
    refuse_json(QUANT_ERR_TOKENIZER, {"unk_id"}, json_with(R"({"type":"Unigram","vocab":[["a",-1]],"unk_id":9})"));
    refuse_json(QUANT_ERR_UNSUPPORTED, {"Mystery"},
                json_with(small_model + R"(,"normalizer":{"type":"Mystery"})"));
}

TEST_CASE("a pre-tokenizer pattern from a file runs under limits") {
    TokenizerSpec spec = fixture("bpe-gpt2");
    spec.pre.clear();
    SECTION("a plain one splits as it says") {
        spec.splits = {{.pattern = R"(\w+\b|[^\w\s]{1,2}|\s)"}};
        std::vector<std::string> pieces;
        SplitBudget budget(20);
        PreTokenizer(spec).split("ab, c!?.", budget, [&](std::string_view piece) { pieces.emplace_back(piece); });
        CHECK(pieces == std::vector<std::string>{"ab", ",", " ", "c", "!?", "."});
    }
    SECTION("one that does not compile") {
        spec.splits = {{.pattern = "(a"}};
        refuse(QUANT_ERR_TOKENIZER, {"(a", "does not compile"}, spec);
    }
    SECTION("one that backtracks without end") {
        spec.splits = {{.pattern = "(a+)+(?=c)"}};
        const auto tokenizer = Tokenizer::create(spec);
        test::require_error(QUANT_ERR_LIMIT, {"(a+)+"}, [&] { tokenizer->encode(std::string(5000, 'a') + "b", {}); });
    }
    SECTION("a match longer than a window is cut, and no byte is lost") {
        spec.splits = {{.pattern = R"(a+(?!z)|[^a]\w*(?<!q))"}};
        const auto tokenizer = Tokenizer::create(spec);
        const std::string text = std::string(50'000, 'a') + " and " + std::string(40'000, 'b') + "\u4E2D";
        CHECK(tokenizer->decode(tokenizer->encode(text, {}), false) == text);
    }
}

TEST_CASE("each pre-tokenizer name can be used, and loses nothing") {
    std::mt19937 random(3);
    INFO("seed 3");
    for (const char *name :
         {"", "default", "gpt-2", "llama3", "llama-v3", "llama-bpe", "falcon3", "falcon", "deepseek-llm", "deepseek-coder",
          "deepseek-v3", "starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "mpt", "olmo",
          "jais", "jais-2", "dbrx", "smaug-bpe", "qwen2", "qwen35", "stablelm2", "megrez", "gpt-4o", "llama4", "tekken",
          "chatglm-bpe", "glm4", "viking", "poro-chat", "bloom", "gpt3-finnish", "jina-v2-code", "kimi-k2", "superbpe",
          "tiny_aya", "chameleon", "youtu", "exaone-moe", "seed-coder", "bailingmoe", "minimax-m2"}) {
        TokenizerSpec spec;
        spec.pre = name;
        const PreTokenizer pre(spec);
        for (int i = 0; i < 60; ++i) {
            const std::string text = random_text(random, i % 2 == 0);
            std::string joined;
            SplitBudget budget(text.size());
            pre.split(text, budget, [&](std::string_view piece) {
                CHECK_FALSE(piece.empty());
                joined += piece;
            });
            INFO("pre-tokenizer '" << name << "'");
            CHECK(joined == text);
        }
    }
}

TEST_CASE("a vocabulary is padded to the size of the embeddings") {
    TokenizerSpec spec = fixture("bpe-gpt2");
    pad_vocabulary(spec, 1000);
    CHECK(spec.tokens.size() == 1000);
    CHECK(Tokenizer::create(spec)->encode("hello", {}) == Tokenizer::create(fixture("bpe-gpt2"))->encode("hello", {}));
}
