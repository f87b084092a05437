// Normalizer, pre-tokenizer and post-processor of a tokenizer.json. What SentencePiece
// models write as steps (a space in front, spaces to U+2581) are fields of the spec;
// what byte-level models write as regexes are splits, and where GGUF has a name for
// all of them together, that name.
#include "text/tokenizer_json_parts.h"

#include "base/error.h"
#include "base/log.h"
#include "text/pretokenizer.h"
#include "text/word_piece_marks.h"

#include <functional>
#include <optional>

namespace quant {

namespace {

constexpr size_t max_parts = 64;
constexpr std::string_view gpt2_words = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

using PartVisitor = std::function<void(const json::Reader &part, const std::string &type)>;

// Every step of a part, Sequences unfolded. JSON limits the depth.
void for_each_part(const json::Reader &part, size_t &count, const PartVisitor &visit) {
    if (++count > max_parts) fail(QUANT_ERR_LIMIT, "{}: more than {} steps", part.name(), max_parts);
    const std::string type = part.require_string("type");
    if (type != "Sequence") return visit(part, type);
    for (const char *key : {"normalizers", "pretokenizers", "decoders", "processors"}) {
        if (!part.has(key)) continue;
        for (const json::value &member : part.require_array(key)) for_each_part({member, part.name()}, count, visit);
    }
}

void for_each_part(const json::Reader &tokenizer, std::string_view key, const PartVisitor &visit) {
    if (!tokenizer.has(key)) return;
    size_t count = 0;
    for_each_part(tokenizer.require_object(key), count, visit);
}

[[noreturn]] void unknown_step(const TokenizerSpec &spec, std::string_view part, std::string_view type) {
    fail(QUANT_ERR_UNSUPPORTED, "{}: {} '{}' is not known here", spec.name, part, printable(type));
}

struct Pattern {
    std::string text;
    bool literal;
};

Pattern read_pattern(const json::Reader &part) {
    const json::Reader pattern = part.require_object("pattern");
    if (pattern.has("String")) return {pattern.require_string("String"), true};
    return {pattern.require_string("Regex"), false};
}

std::string decode_base64(const std::string &text, const TokenizerSpec &spec) {
    std::string out;
    uint32_t bits = 0;
    int count = 0;
    for (const char c : text) {
        if (c == '=') break;
        const size_t value =
            std::string_view("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/").find(c);
        if (value == std::string_view::npos)
            fail(QUANT_ERR_TOKENIZER, "{}: the normalizer's precompiled_charsmap is no base64", spec.name);
        bits = (bits << 6 | static_cast<uint32_t>(value)) & 0xFFFFFF;
        if ((count += 6) >= 8) out += static_cast<char>(bits >> (count -= 8) & 0xFF);
    }
    return out;
}

bool is_sentencepiece_model(const TokenizerSpec &spec) {
    return spec.model == TokenizerModel::sentencepiece_bpe || spec.model == TokenizerModel::unigram;
}

void read_bert_normalizer(const json::Reader &part, TokenizerSpec &spec) {
    BertNormalizing what;
    what.clean_text = part.get_bool("clean_text", true);
    what.space_han = part.get_bool("handle_chinese_chars", true);
    what.lowercase = part.get_bool("lowercase", true);
    what.strip_accents = part.get_bool("strip_accents", what.lowercase);
    add_bert_normalizer(what, spec);
}

void read_normalizer_step(const json::Reader &part, const std::string &type, TokenizerSpec &spec, bool &escapes) {
    const bool is_sentencepiece = is_sentencepiece_model(spec);
    const auto add = [&](NormalizerKind kind) { spec.normalizer.push_back({kind, "", "", true}); };
    if (type == "NFC") add(NormalizerKind::nfc);
    else if (type == "NFD") add(NormalizerKind::nfd);
    else if (type == "NFKC") add(NormalizerKind::nfkc);
    else if (type == "NFKD") add(NormalizerKind::nfkd);
    else if (type == "Lowercase") add(NormalizerKind::lowercase);
    else if (type == "StripAccents") add(NormalizerKind::strip_marks);
    else if (type == "BertNormalizer") read_bert_normalizer(part, spec);
    else if (type == "Strip" && part.get_bool("strip_left", true) && part.get_bool("strip_right", true))
        add(NormalizerKind::strip);
    else if (type == "Precompiled") {
        if (!part.has("precompiled_charsmap")) return;
        spec.charsmap = decode_base64(part.require_string("precompiled_charsmap"), spec);
        if (!spec.charsmap.empty()) add(NormalizerKind::charsmap);
    } else if (type == "Prepend") {
        const std::string content = part.require_string("prepend");
        if (is_sentencepiece && content == space_mark) spec.add_space_prefix = true;
        else spec.normalizer.push_back({NormalizerKind::prepend, "", content, true});
    } else if (type == "Replace") {
        const Pattern pattern = read_pattern(part);
        const std::string content = part.get_string("content", "");
        if (is_sentencepiece && pattern.text == " " && content == space_mark) escapes = true;
        else spec.normalizer.push_back({NormalizerKind::replace, pattern.text, content, pattern.literal});
    } else {
        unknown_step(spec, "normalizer", type);
    }
}

SplitBehavior read_behavior(const json::Reader &part, SplitBehavior fallback, const TokenizerSpec &spec) {
    if (!part.has("behavior")) return fallback;
    const std::string name = part.require_string("behavior");
    if (name == "Isolated") return SplitBehavior::isolated;
    if (name == "Removed") return SplitBehavior::removed;
    if (name == "MergedWithPrevious") return SplitBehavior::merged_with_previous;
    if (name == "MergedWithNext") return SplitBehavior::merged_with_next;
    if (name == "Contiguous") return SplitBehavior::contiguous;
    unknown_step(spec, "split behavior", name);
}

// Characters that count as digits once bytes are written in the visible alphabet are
// looked for among the text's own digits instead: vocabularies made behind such a step
// cannot tell the difference.
SplitRule digits_rule(const json::Reader &part, bool after_bytes) {
    const bool single = part.get_bool("individual_digits", false);
    if (after_bytes) return {.pattern = single ? "[0-9]" : "[0-9]+"};
    return {.pattern = single ? R"(\p{N})" : R"(\p{N}+)"};
}

SplitRule punctuation_rule(const json::Reader &part, const TokenizerSpec &spec) {
    SplitRule rule{.pattern = R"([\p{P}$+<=>^`|~])", .behavior = read_behavior(part, SplitBehavior::isolated, spec)};
    if (rule.behavior == SplitBehavior::contiguous) rule = {.pattern = R"([\p{P}$+<=>^~|`]+)"};
    return rule;
}

void read_byte_level_step(const json::Reader &part, const std::string &type, TokenizerSpec &spec, bool &after_bytes) {
    if (type == "ByteLevel") {
        if (part.get_bool("add_prefix_space", true)) {
            if (!spec.splits.empty())
                fail(QUANT_ERR_UNSUPPORTED, "{}: pre_tokenizer ByteLevel with add_prefix_space behind other steps", spec.name);
            spec.add_space_prefix = true;
        }
        if (part.get_bool("use_regex", true)) spec.splits.push_back({.pattern = std::string(gpt2_words)});
        after_bytes = true;
        return;
    }
    SplitRule rule;
    if (type == "Split") {
        const Pattern pattern = read_pattern(part);
        rule = {pattern.text, pattern.literal, read_behavior(part, SplitBehavior::isolated, spec),
                part.get_bool("invert", false)};
        // Cutting out what is not matched and cutting out what is are the same cuts.
        if (rule.invert && rule.behavior == SplitBehavior::isolated) rule.invert = false;
        const bool is_ascii_digits = rule.pattern.starts_with("[0-9]");
        if (after_bytes && !is_ascii_digits) unknown_step(spec, "behind ByteLevel, pre_tokenizer", type);
        // Matches that are taken out, inverted: the matches are the pieces and the rest
        // is dropped, which these patterns never leave.
        if (rule.invert && rule.behavior == SplitBehavior::removed && make_word_splitter(rule.pattern))
            rule = {.pattern = rule.pattern};
    } else if (type == "Digits") {
        rule = digits_rule(part, after_bytes);
    } else if (type == "Punctuation" && !after_bytes) {
        rule = punctuation_rule(part, spec);
    } else if (type == "WhitespaceSplit" && !after_bytes) {
        rule = {.pattern = R"(\s+)", .behavior = SplitBehavior::removed};
    } else if (type == "Whitespace" && !after_bytes) {
        rule = {.pattern = R"(\w+|[^\w\s]+)", .behavior = SplitBehavior::removed, .invert = true};
    } else {
        unknown_step(spec, "pre_tokenizer", type);
    }
    spec.splits.push_back(std::move(rule));
}

void read_metaspace(const json::Reader &part, TokenizerSpec &spec) {
    if (part.get_string("replacement", space_mark) != space_mark)
        fail(QUANT_ERR_UNSUPPORTED, "{}: Metaspace with another replacement than U+2581", spec.name);
    const std::string scheme = part.get_string("prepend_scheme", part.get_bool("add_prefix_space", true) ? "always" : "never");
    if (scheme != "always" && scheme != "first" && scheme != "never") unknown_step(spec, "prepend_scheme", scheme);
    spec.split_words = part.get_bool("split", true);
    if (scheme == "never") return;
    spec.add_space_prefix = true;
    spec.space_prefix = scheme == "first" ? SpacePrefix::first : SpacePrefix::if_missing;
}

void read_sentencepiece_step(const json::Reader &part, const std::string &type, TokenizerSpec &spec, bool &escapes) {
    if (type == "Metaspace") {
        read_metaspace(part, spec);
        escapes = true;
    } else if (type == "WhitespaceSplit") {
        spec.white_space_split = true;
    } else if (type == "Split" && read_pattern(part).text == " " && escapes) {
        // Nothing to split: the normalizer left no spaces.
    } else {
        unknown_step(spec, "pre_tokenizer", type);
    }
}

// Names what GGUF has a name for; the splits stay where the name says less.
void name_splits(TokenizerSpec &spec) {
    spec.pre = name_of_splits(spec.splits, spec.ignore_merges);
    if (!spec.pre.empty()) {
        spec.splits.clear();
        return;
    }
    std::vector<SplitRule> rules = spec.splits;
    std::erase_if(rules, [](const SplitRule &rule) { return rule.pattern == "[0-9]+"; });
    spec.pre = name_of_splits(rules, spec.ignore_merges);
    if (spec.pre.empty())
        log(QUANT_LOG_INFO, "{}: the pre-tokenizer has no name in GGUF; it runs by its patterns", spec.name);
}

// The tokens that a template puts before and after the text.
void read_template(const json::Reader &part, TokenizerSpec &spec, std::vector<int32_t> &before,
                   std::vector<int32_t> &after) {
    bool is_after = false;
    for (const json::value &item : part.require_array("single")) {
        const json::Reader piece(item, spec.name + ": post_processor.single");
        if (!piece.has("SpecialToken")) {
            is_after = true;
            continue;
        }
        const std::string token = piece.require_object("SpecialToken").require_string("id");
        const json::Reader known = part.require_object("special_tokens").require_object(token);
        for (const json::value &id : known.require_array("ids")) {
            const int64_t value = id.is_int64() ? id.get_int64() : -1;
            if (value < 0 || static_cast<uint64_t>(value) >= spec.tokens.size())
                fail(QUANT_ERR_TOKENIZER, "{}: the post_processor's token '{}' has an id outside the vocabulary of {}",
                     spec.name, printable(token), spec.tokens.size());
            (is_after ? after : before).push_back(static_cast<int32_t>(value));
        }
    }
}

void read_pair_token(const json::Reader &part, std::string_view key, TokenizerSpec &spec, std::vector<int32_t> &out) {
    const json::array &pair = part.require_array(key);
    const int64_t id = pair.size() == 2 && pair[1].is_int64() ? pair[1].get_int64() : -1;
    if (id < 0 || static_cast<uint64_t>(id) >= spec.tokens.size())
        fail(QUANT_ERR_TOKENIZER, "{}: post_processor.{} has no id inside the vocabulary", spec.name, key);
    out.push_back(static_cast<int32_t>(id));
}

} // namespace

bool has_part(const json::Reader &tokenizer, std::string_view part, std::string_view type) {
    bool found = false;
    for_each_part(tokenizer, part, [&](const json::Reader &, const std::string &name) { found |= name == type; });
    return found;
}

void read_text_parts(const json::Reader &tokenizer, TokenizerSpec &spec) {
    const bool is_byte_level = spec.model == TokenizerModel::byte_bpe;
    bool escapes = false, after_bytes = false, splits_words = false;
    for_each_part(tokenizer, "normalizer", [&](const json::Reader &part, const std::string &type) {
        read_normalizer_step(part, type, spec, escapes);
    });
    for_each_part(tokenizer, "pre_tokenizer", [&](const json::Reader &part, const std::string &type) {
        if (spec.model == TokenizerModel::word_piece) {
            if (type != "BertPreTokenizer") unknown_step(spec, "pre_tokenizer", type);
            splits_words = true;
        } else if (is_byte_level) read_byte_level_step(part, type, spec, after_bytes);
        else read_sentencepiece_step(part, type, spec, escapes);
    });
    if (spec.model == TokenizerModel::word_piece && !splits_words)
        fail(QUANT_ERR_UNSUPPORTED, "{}: WordPiece without the pre_tokenizer BertPreTokenizer", spec.name);
    if (is_sentencepiece_model(spec) && !escapes)
        fail(QUANT_ERR_UNSUPPORTED, "{}: a vocabulary that is neither byte-level nor writes spaces as U+2581", spec.name);
    spec.strip_first_piece = has_part(tokenizer, "decoder", "Metaspace") && spec.add_space_prefix;
    if (is_byte_level) name_splits(spec);
}

bool read_post_processor(const json::Reader &tokenizer, TokenizerSpec &spec) {
    std::vector<int32_t> before, after;
    bool found = false;
    for_each_part(tokenizer, "post_processor", [&](const json::Reader &part, const std::string &type) {
        if (type == "ByteLevel") return;
        found = true;
        if (type == "TemplateProcessing") {
            read_template(part, spec, before, after);
        } else if (type == "RobertaProcessing" || type == "BertProcessing") {
            read_pair_token(part, "cls", spec, before);
            read_pair_token(part, "sep", spec, after);
        } else {
            unknown_step(spec, "post_processor", type);
        }
    });
    spec.prefix_ids = std::move(before);
    spec.suffix_ids = std::move(after);
    return found;
}

} // namespace quant
