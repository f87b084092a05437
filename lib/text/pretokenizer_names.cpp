// The pre-tokenizers by their GGUF names. Names in one row split alike, and the first
// is the one that is written. Patterns are those of the models' own tokenizers.
#include "text/pretokenizer.h"

#include "base/log.h"

#include <algorithm>

namespace quant {

namespace {

using Steps = std::vector<std::string_view>;

constexpr std::string_view line_end = R"([\r\n])";
constexpr std::string_view deepseek_cjk = "[\u4E00-\u9FA5\u0800-\u4E00\uAC00-\uD7FF]+";
constexpr std::string_view deepseek_v3_cjk = "[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
// Letters that have case, as DeepSeek LLM lists them.
constexpr std::string_view deepseek_letters =
    "\\s?[A-Za-z\u00B5\u00C0-\u00D6\u00D8-\u00F6\u00F8-\u01BA\u01BC-\u01BF\u01C4-\u0293\u0295-\u02AF\u0370-\u0373"
    "\u0376\u0377\u037B-\u037D\u037F\u0386\u0388-\u038A\u038C\u038E-\u03A1\u03A3-\u03F5\u03F7-\u0481\u048A-\u052F"
    "\u0531-\u0556\u10A0-\u10C5\u13A0-\u13F5\u13F8-\u13FD\u1C90-\u1CBA\u1CBD-\u1CBF\u1D00-\u1D2B\u1D6B-\u1D77"
    "\u1D79-\u1D9A\u1E00-\u1F15\u1F18-\u1F1D\u1F20-\u1F45\u1F48-\u1F4D\u1F50-\u1F57\u1F59\u1F5B\u1F5D\u1F5F-\u1F7D"
    "\u1F80-\u1FB4\u1FB6-\u1FBC\u1FBE\u1FC2-\u1FC4\u1FC6-\u1FCC\u1FD0-\u1FD3\u1FD6-\u1FDB\u1FE0-\u1FEC\u1FF2-\u1FF4"
    "\u1FF6-\u1FFC\u2102\u2107\u210A-\u2113\u2115\u2119-\u211D\u2124\u2126\u2128\u212A-\u212D\u212F-\u2134\u2139"
    "\u213C-\u213F\u2145-\u2149\u214E\u2183\u2184\u2C00-\u2C7B\u2C7E-\u2CE4\u2CEB-\u2CEE\u2CF2\u2CF3\uA640-\uA66D"
    "\uA680-\uA69B\uA722-\uA76F\uA771-\uA787\uA78B-\uA78E\uAB70-\uABBF\uFB00-\uFB06\uFB13-\uFB17\uFF21-\uFF3A"
    "\uFF41-\uFF5A\U00010400-\U0001044F\U000104B0-\U000104D3\U000104D8-\U000104FB\U00010C80-\U00010CB2"
    "\U00010CC0-\U00010CF2\U000118A0-\U000118DF\U0001E900-\U0001E943]+";
constexpr std::string_view deepseek_punctuation = "\\s?[!-/:-~\uFF01-\uFF0F\uFF1A-\uFF5E\u2018-\u201F\u3000-\u3002]+";
constexpr std::string_view bloom_words = " ?[^(\\s|.,!?\u2026\u3002\uFF0C\u3001\u0964\u06D4\u060C)]+";
constexpr std::string_view falcon_punctuation = R"([\p{P}$+<=>^~|`]+)";
constexpr std::string_view youtu_scripts =
    "[\uAC00-\uD7A3\u3131-\u318E]+|[\uFF01\u2026\u201C\u201D\u2018\u2019\u2014\uFF1A\uFF1B\uFF0C\u3001-\u303F\uFE30-\uFE4F]+|"
    "[\u3105-\u312F]+|[\u4E00-\u9FA5\u3040-\u309F\u30A0-\u30FF]+";
constexpr std::string_view jais2_words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+)"
    R"(|\s{512}(?!\S)|\s{256}(?!\S)|\s{128}(?!\S)|\s{64}(?!\S)|\s{32}(?!\S)|\s{16}(?!\S)|\s{8}(?!\S)|\s{4}(?!\S))"
    R"(|\s{1,2}(?!\S)|\s{1})";
constexpr std::string_view exaone_moe_words =
    R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?(?:\p{L}\p{M}*(?: \p{L}\p{M}*)*)+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]?)"
    R"(|\s*[\r\n]|\s+(?!\S)|\s+)";

struct Row {
    std::vector<std::string_view> names;
    Steps steps;
    bool ignore_merges = false;
    bool add_bos = false;
};

const std::vector<Row> &rows() {
    static const std::vector<Row> table = {
        {{"gpt-2", "phi-2", "jina-es", "jina-de", "jina-v1-en", "jina-v2-es", "jina-v2-de", "jina-v2-code", "roberta-bpe",
          "gigachat", "a.x-4.0", "mellum", "modern-bert", "mpt", "olmo", "jais", "trillion", "granite-docling", "exaone4",
          "jina-v2", "jina"},
         {"@gpt-2"}},
        {{"llama-bpe", "llama3", "llama-v3", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2", "lfm2-moe",
          "jina-v5-nano"},
         {"@llama3"},
         true,
         true},
        {{"smaug-bpe", "dbrx", "chatglm-bpe", "glm4"}, {"@llama3"}},
        {{"qwen2", "stablelm2", "deepseek-r1-qwen", "kormo", "f2llmv2", "megrez", "hunyuan", "solar-open", "grok-2",
          "bailingmoe", "bailingmoe2", "llada-moe"},
         {"@qwen2"}},
        {{"qwen35"}, {"@qwen35"}},
        {{"minicpm5"}, {"@long-digits"}},
        {{"seed-coder"}, {"@seed-coder"}},
        {{"starcoder", "refact", "command-r", "smollm", "codeshell", "exaone", "minerva-7b", "minerva"},
         {R"(\p{N})", "@gpt-2"}},
        {{"falcon"}, {falcon_punctuation, "@gpt-2", "[0-9][0-9][0-9]"}},
        {{"default", ""}, {R"([\p{P}$+<=>^~|]+)", "@gpt-2", R"(\p{N}+)", "[0-9][0-9][0-9]"}},
        {{"deepseek-llm"}, {line_end, deepseek_letters, deepseek_punctuation, R"(\s+$)", deepseek_cjk, R"(\p{N})"}},
        {{"deepseek-coder"}, {line_end, R"(\s?\p{L}+)", R"(\s?\p{P}+)", deepseek_cjk, R"(\p{N})"}},
        {{"deepseek-v3", "hunyuan-dense", "joyai-llm"}, {R"(\p{N}{1,3})", deepseek_v3_cjk, "@deepseek-v3"}},
        {{"gpt-4o", "llama4", "kanana2", "minimax-m2"}, {"@gpt-4o"}},
        {{"tekken"}, {"@tekken"}, true, true},
        {{"kimi-k2"}, {"@kimi-k2"}},
        {{"youtu"}, {youtu_scripts, "@gpt-4o"}, true},
        {{"tiny_aya"}, {R"(\d{1,3}(?=(?:\d{3})*\b))", "@gpt-4o"}},
        {{"superbpe"}, {R"(\p{N}+)", R"(\d{1,3}(?=(?:\d{3})*\b))"}},
        {{"bloom", "poro-chat", "poro", "gpt3-finnish"}, {bloom_words}},
        {{"viking"}, {bloom_words, R"(\p{N})"}},
        {{"chameleon"},
         {"<sentinel:[0-9]+>", "(?:IMGIMG)(?:A|B|C|D|E|F|G|H|I){1,4}Z", R"([\t\n]|    |  )", R"(\p{N})",
          R"([\p{P}!-/:-@\[-`{-~])", "@gpt-2"},
         false,
         true},
        {{"jais-2"}, {jais2_words}},
        {{"exaone-moe"}, {exaone_moe_words}},
    };
    return table;
}

std::vector<PreTokenizerName> all_names() {
    std::vector<PreTokenizerName> out;
    for (const Row &row : rows())
        for (const std::string_view name : row.names) out.push_back({name, row.steps, row.ignore_merges, row.add_bos});
    return out;
}

std::string key_of(std::string_view step) {
    return step.starts_with('@') ? std::string(step) : splitter_key(step);
}

} // namespace

const PreTokenizerName *find_pre_tokenizer(std::string_view name) {
    static const std::vector<PreTokenizerName> names = all_names();
    const auto found = std::find_if(names.begin(), names.end(), [&](const auto &row) { return row.name == name; });
    return found == names.end() ? nullptr : &*found;
}

std::string_view name_of_splits(std::span<const SplitRule> rules, bool ignore_merges) {
    for (const SplitRule &rule : rules)
        if (rule.literal || rule.invert || rule.behavior != SplitBehavior::isolated) return "";
    const auto same_step = [](const SplitRule &rule, std::string_view step) {
        return splitter_key(rule.pattern) == key_of(step);
    };
    const Row *close = nullptr;
    for (const Row &row : rows()) {
        if (!std::equal(rules.begin(), rules.end(), row.steps.begin(), row.steps.end(), same_step)) continue;
        if (row.ignore_merges == ignore_merges) return row.names.front();
        close = &row;
    }
    if (close)
        log(QUANT_LOG_INFO, "pre-tokenizer '{}' is the nearest that GGUF has a name for, but differs in ignore_merges",
            close->names.front());
    return close ? close->names.front() : "";
}

} // namespace quant
