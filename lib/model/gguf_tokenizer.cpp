// GGUF's keys to a TokenizerSpec and back. A key that is missing means what programs
// of the GGUF family take it to mean, which depends on the kind of tokenizer; a key
// that is there but wrong is an error.
#include "model/gguf_tokenizer.h"

#include "base/error.h"
#include "base/log.h"
#include "text/byte_alphabet.h"
#include "text/charsmap.h"
#include "text/pretokenizer.h"
#include "text/sentencepiece_text.h"
#include "text/token_roles.h"
#include "text/word_piece_marks.h"

#include <algorithm>
#include <cctype>

namespace quant {

namespace {

constexpr std::string_view prefix = "tokenizer.ggml.";

// Keys of our own, true or missing, for what decides ids but has no key in GGUF. Others
// pass over them, and get the same ids wherever scores and spaces say the same.
struct OwnFlag {
    std::string_view key;
    bool TokenizerSpec::*field;
};
constexpr OwnFlag own_flags[] = {
    {"quant.tokenizer.merge_by_rank", &TokenizerSpec::merge_by_rank},
    {"quant.tokenizer.fuse_unknown", &TokenizerSpec::fuse_unknown},
    {"quant.tokenizer.split_words", &TokenizerSpec::split_words},
    {"quant.tokenizer.white_space_split", &TokenizerSpec::white_space_split},
    {"quant.tokenizer.strip_first_piece", &TokenizerSpec::strip_first_piece},
};

struct ModelName {
    std::string_view name;
    TokenizerModel model;
    int32_t bos, eos, unknown; ///< The ids that missing keys mean; -1 for none.
    bool add_bos, add_eos, add_space_prefix;
};
constexpr ModelName model_names[] = {
    {"gpt2", TokenizerModel::byte_bpe, 11, 11, -1, false, false, false},
    {"llama", TokenizerModel::sentencepiece_bpe, 1, 2, 0, true, false, true},
    {"t5", TokenizerModel::unigram, -1, 1, 2, false, true, true},
    {"bert", TokenizerModel::word_piece, 101, 102, 100, true, true, false},
};

struct IdKey {
    std::string_view key;
    std::optional<int32_t> TokenizerSpec::*field;
    int32_t ModelName::*fallback;
};
constexpr IdKey id_keys[] = {
    {"bos_token_id", &TokenizerSpec::bos, &ModelName::bos},
    {"eos_token_id", &TokenizerSpec::eos, &ModelName::eos},
    {"unknown_token_id", &TokenizerSpec::unknown, &ModelName::unknown},
    {"padding_token_id", &TokenizerSpec::pad, nullptr},
};
constexpr std::string_view end_keys[] = {"eot_token_id", "eom_token_id"};
constexpr std::string_view all_keys[] = {
    "model", "pre", "tokens", "token_type", "scores", "merges", "bos_token_id", "eos_token_id", "unknown_token_id",
    "padding_token_id", "eot_token_id", "eom_token_id", "add_bos_token", "add_eos_token", "add_space_prefix",
    "remove_extra_whitespaces", "precompiled_charsmap", "cls_token_id", "seperator_token_id", "mask_token_id",
    "normalizer.lowercase", "normalizer.strip_accents"};

class KeyReader {
public:
    explicit KeyReader(const Metadata &metadata) : metadata_(metadata) {}

    const MetadataValue *find(std::string_view key) const { return metadata_.find(full(key)); }

    [[noreturn]] void wrong(std::string_view key, std::string_view expected) const {
        fail(QUANT_ERR_TOKENIZER, "{}: {} must be {}", metadata_.name(), full(key), expected);
    }

    std::string string(std::string_view key, std::string_view fallback) const {
        const MetadataValue *value = find(key);
        if (!value) return std::string(fallback);
        const auto *text = std::get_if<std::string>(value);
        return text ? *text : (wrong(key, "a string"), "");
    }

    bool flag(std::string_view key, bool fallback) const {
        const MetadataValue *value = find(key);
        if (!value) return fallback;
        const bool *flag = std::get_if<bool>(value);
        return flag ? *flag : (wrong(key, "true or false"), false);
    }

    std::optional<int32_t> id(std::string_view key, size_t tokens) const {
        const MetadataValue *value = find(key);
        if (!value) return std::nullopt;
        const auto number = as_uint(*value);
        // Some writers say "no such token" with the largest number there is.
        if (number && *number == UINT32_MAX && key == "padding_token_id") return std::nullopt;
        if (!number || *number >= tokens) wrong(key, fmt::format("a token id below {}", tokens));
        return static_cast<int32_t>(*number);
    }

    /// The array's elements where they are of type T; nullptr when the key is missing.
    template <class T>
    const std::vector<T> *array(std::string_view key, std::string_view expected) const {
        const MetadataValue *value = find(key);
        if (!value) return nullptr;
        const auto *array = std::get_if<MetadataArray>(value);
        const auto *elements = array ? std::get_if<std::vector<T>>(&array->elements) : nullptr;
        if (!elements) wrong(key, expected);
        return elements;
    }

    const std::string &file() const { return metadata_.name(); }
    static std::string full(std::string_view key) { return std::string(prefix).append(key); }

private:
    const Metadata &metadata_;
};

bool has_scores(const TokenizerSpec &spec) {
    return spec.model != TokenizerModel::byte_bpe && spec.model != TokenizerModel::word_piece;
}

bool is_special(const TokenizerSpec &spec, size_t id) {
    return !spec.kinds.empty() && (spec.kinds[id] == TokenKind::control || spec.kinds[id] == TokenKind::unknown);
}

// GGUF marks the tokens of WordPiece that begin a word, the vocabulary itself those that do not. Special tokens
// bear no mark, and older writers go by brackets to tell which those are.
void read_word_piece(const KeyReader &keys, TokenizerSpec &spec) {
    for (size_t id = 0; id < spec.tokens.size(); ++id) {
        std::string &token = spec.tokens[id];
        const bool bracketed = token.size() > 2 && token.front() == '[' && token.back() == ']';
        if (token.starts_with(space_mark)) token.erase(0, space_mark.size());
        else if (!is_special(spec, id) && !bracketed && !token.empty()) token.insert(0, continuation);
    }
    BertNormalizing what;
    what.lowercase = keys.flag("normalizer.lowercase", true);
    what.strip_accents = keys.flag("normalizer.strip_accents", what.lowercase);
    add_bert_normalizer(what, spec);
}

void read_tokens(const KeyReader &keys, TokenizerSpec &spec) {
    const auto *tokens = keys.array<std::string>("tokens", "an array of strings");
    if (!tokens || tokens->empty()) fail(QUANT_ERR_TOKENIZER, "{}: {} is missing or empty", keys.file(), keys.full("tokens"));
    spec.tokens = *tokens;
    if (const auto *kinds = keys.array<int32_t>("token_type", "an array of 32-bit integers")) {
        if (kinds->size() != tokens->size())
            keys.wrong("token_type", fmt::format("of {} elements, not {}", tokens->size(), kinds->size()));
        for (const int32_t kind : *kinds) {
            // 0 is an older writers' "undefined".
            if (kind < 0 || kind > static_cast<int32_t>(TokenKind::byte)) keys.wrong("token_type", "of numbers from 0 to 6");
            spec.kinds.push_back(kind == 0 ? TokenKind::normal : static_cast<TokenKind>(kind));
        }
    }
    if (const auto *scores = keys.array<float>("scores", "an array of 32-bit floats")) {
        if (scores->size() != tokens->size())
            keys.wrong("scores", fmt::format("of {} elements, not {}", tokens->size(), scores->size()));
        if (has_scores(spec)) spec.scores = *scores;
    } else if (has_scores(spec)) {
        fail(QUANT_ERR_TOKENIZER, "{}: {} is missing, which this kind of tokenizer needs", keys.file(), keys.full("scores"));
    }
    for (size_t id = 0; id < spec.kinds.size(); ++id)
        if (spec.kinds[id] == TokenKind::byte && spec.model != TokenizerModel::byte_bpe && !parse_byte_token(spec.tokens[id]))
            fail(QUANT_ERR_TOKENIZER, "{}: token {} '{}' of {} is a byte token, but no <0x00> to <0xFF>", keys.file(), id,
                 printable(spec.tokens[id]), keys.full("tokens"));
}

void read_ids(const KeyReader &keys, const ModelName &model, TokenizerSpec &spec) {
    for (const IdKey &known : id_keys) {
        auto &slot = spec.*known.field;
        slot = keys.id(known.key, spec.tokens.size());
        const int32_t fallback = known.fallback ? model.*known.fallback : -1;
        if (slot || fallback < 0) continue;
        if (static_cast<size_t>(fallback) >= spec.tokens.size())
            fail(QUANT_ERR_TOKENIZER, "{}: {} is missing, and the default {} is outside the vocabulary of {}", keys.file(),
                 keys.full(known.key), fallback, spec.tokens.size());
        const bool is_likely = spec.model != TokenizerModel::byte_bpe ||
                               (!spec.kinds.empty() && spec.kinds[static_cast<size_t>(fallback)] == TokenKind::control);
        if (is_likely) slot = fallback;
    }
    // What begins and ends a text goes by other names here.
    if (spec.model == TokenizerModel::word_piece) {
        if (const auto id = keys.id("cls_token_id", spec.tokens.size())) spec.bos = id;
        if (const auto id = keys.id("seperator_token_id", spec.tokens.size())) spec.eos = id;
    }
    for (const std::string_view key : end_keys)
        if (const auto id = keys.id(key, spec.tokens.size())) spec.end_of_turn.push_back(*id);
}

void read_pre_tokenizer(const KeyReader &keys, TokenizerSpec &spec) {
    spec.pre = keys.string("pre", "");
    const PreTokenizerName *known = find_pre_tokenizer(spec.pre);
    if (!known)
        fail(QUANT_ERR_UNSUPPORTED, "{}: unknown pre-tokenizer '{}' ({})", keys.file(), printable(spec.pre), keys.full("pre"));
    if (spec.pre.empty())
        log(QUANT_LOG_WARNING, "{}: {} is missing; the default pre-tokenizer may not be the model's", keys.file(),
            keys.full("pre"));
    spec.ignore_merges = known->ignore_merges;
    spec.add_bos = known->add_bos;
}

void read_charsmap(const KeyReader &keys, TokenizerSpec &spec) {
    const MetadataValue *value = keys.find("precompiled_charsmap");
    if (!value) return;
    const auto *array = std::get_if<MetadataArray>(value);
    if (!array) keys.wrong("precompiled_charsmap", "an array of bytes");
    if (const auto *bytes = std::get_if<std::vector<uint8_t>>(&array->elements))
        spec.charsmap.assign(bytes->begin(), bytes->end());
    else if (const auto *chars = std::get_if<std::vector<int8_t>>(&array->elements))
        for (const int8_t c : *chars) spec.charsmap += static_cast<char>(c);
    else keys.wrong("precompiled_charsmap", "an array of bytes");
    if (spec.charsmap.empty()) return;
    const Charsmap checked(spec.charsmap, keys.file() + ": " + keys.full("precompiled_charsmap"));
    spec.normalizer.push_back({NormalizerKind::charsmap, "", "", true});
}

void read_own_flags(const Metadata &metadata, const KeyReader &keys, TokenizerSpec &spec) {
    for (const OwnFlag &flag : own_flags) {
        const MetadataValue *value = metadata.find(flag.key);
        const bool *is_set = value ? std::get_if<bool>(value) : nullptr;
        if (value && !is_set) fail(QUANT_ERR_TOKENIZER, "{}: {} must be true or false", keys.file(), flag.key);
        spec.*flag.field = is_set && *is_set;
    }
    const auto *merges = spec.merge_by_rank ? keys.array<std::string>("merges", "an array of strings") : nullptr;
    if (merges) spec.merges = *merges;
}

// Phi-3's control tokens swallow the white space behind them; GGUF has no flag for it,
// so programs of its family go by the model's name.
void read_model_quirks(const Metadata &metadata, TokenizerSpec &spec) {
    const MetadataValue *value = metadata.find("general.name");
    const auto *text = value ? std::get_if<std::string>(value) : nullptr;
    if (!text) return;
    std::string name = *text;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return c < 0x80 ? std::tolower(c) : c; });
    if (name.find("phi-3") == std::string::npos && name.find("phi3") == std::string::npos) return;
    for (size_t id = 0; id < spec.kinds.size(); ++id) {
        const std::string &token = spec.tokens[id];
        const bool is_plain = token == "<unk>" || token == "<s>" || token == "<|endoftext|>";
        if (spec.kinds[id] == TokenKind::control && !is_plain)
            spec.added.push_back({.id = static_cast<int32_t>(id), .rstrip = true});
    }
}

std::string_view model_name(TokenizerModel model) {
    for (const ModelName &known : model_names)
        if (known.model == model) return known.name;
    fail(QUANT_ERR_UNSUPPORTED, "GGUF has no name for this kind of tokenizer");
}

void warn_of_losses(const TokenizerSpec &spec) {
    const auto warn = [&](std::string_view what) {
        log(QUANT_LOG_WARNING, "{}: GGUF cannot say {}; it is left out", spec.name, what);
    };
    const bool has_other_step = std::any_of(spec.normalizer.begin(), spec.normalizer.end(), [&](const NormalizerStep &step) {
        return step.kind != NormalizerKind::charsmap && spec.model != TokenizerModel::word_piece;
    });
    if (has_other_step) warn("how the tokenizer normalizes texts");
    if (!spec.prefix_ids.empty() || !spec.suffix_ids.empty()) warn("which tokens besides BOS and EOS go around a text");
}

// In GGUF, tokens that are looked for in raw texts have their spaces as spaces.
std::vector<std::string> written_tokens(const TokenizerSpec &spec) {
    std::vector<std::string> out = spec.tokens;
    if (spec.model == TokenizerModel::byte_bpe) return out;
    if (spec.model == TokenizerModel::word_piece) {
        for (size_t id = 0; id < out.size(); ++id) {
            if (out[id].starts_with(continuation) && out[id].size() > continuation.size()) out[id].erase(0, continuation.size());
            else if (!is_special(spec, id)) out[id].insert(0, space_mark);
        }
        return out;
    }
    for (size_t id = 0; id < spec.kinds.size(); ++id) {
        if (spec.kinds[id] != TokenKind::user_defined) continue;
        std::string &token = out[id];
        for (size_t at = token.find(space_mark); at != std::string::npos; at = token.find(space_mark, at + 1))
            token.replace(at, space_mark.size(), 1, ' ');
    }
    return out;
}

void write_word_piece(const TokenizerSpec &spec, Metadata &metadata) {
    const auto has = [&](NormalizerKind kind) {
        return std::any_of(spec.normalizer.begin(), spec.normalizer.end(),
                           [kind](const NormalizerStep &step) { return step.kind == kind; });
    };
    if (!has(NormalizerKind::clean_text) || !has(NormalizerKind::space_han))
        log(QUANT_LOG_WARNING, "{}: GGUF cannot say that control characters or Han characters stay as they are; it is left out",
            spec.name);
    metadata.set(KeyReader::full("normalizer.lowercase"), has(NormalizerKind::lowercase));
    metadata.set(KeyReader::full("normalizer.strip_accents"), has(NormalizerKind::strip_marks));
    if (spec.bos) metadata.set(KeyReader::full("cls_token_id"), static_cast<uint32_t>(*spec.bos));
    if (spec.eos) metadata.set(KeyReader::full("seperator_token_id"), static_cast<uint32_t>(*spec.eos));
}

template <class T>
MetadataValue array_of(std::vector<T> elements) {
    return MetadataArray{MetadataArray::Elements(std::move(elements))};
}

} // namespace

TokenizerSpec read_gguf_tokenizer(const Metadata &metadata) {
    const KeyReader keys(metadata);
    TokenizerSpec spec;
    spec.name = metadata.name();
    const std::string name = keys.string("model", "");
    const auto model = std::find_if(std::begin(model_names), std::end(model_names),
                                    [&](const ModelName &known) { return known.name == name; });
    if (name.empty()) fail(QUANT_ERR_TOKENIZER, "{}: {} is missing: the file has no tokenizer", keys.file(), keys.full("model"));
    if (model == std::end(model_names))
        fail(QUANT_ERR_UNSUPPORTED, "{}: {} '{}' is not known here", keys.file(), keys.full("model"), printable(name));
    spec.model = model->model;
    spec.add_bos = model->add_bos;
    read_tokens(keys, spec);
    if (spec.model == TokenizerModel::word_piece) read_word_piece(keys, spec);
    if (spec.model == TokenizerModel::byte_bpe) {
        read_pre_tokenizer(keys, spec);
        const auto *merges = keys.array<std::string>("merges", "an array of strings");
        if (!merges) fail(QUANT_ERR_TOKENIZER, "{}: {} is missing", keys.file(), keys.full("merges"));
        spec.merges = *merges;
    }
    if (spec.model != TokenizerModel::byte_bpe) read_own_flags(metadata, keys, spec);
    read_ids(keys, *model, spec);
    spec.add_bos = keys.flag("add_bos_token", spec.add_bos);
    spec.add_eos = keys.flag("add_eos_token", model->add_eos);
    spec.add_space_prefix = keys.flag("add_space_prefix", model->add_space_prefix);
    spec.remove_extra_whitespaces = keys.flag("remove_extra_whitespaces", false);
    read_charsmap(keys, spec);
    if (const MetadataValue *value = metadata.find("tokenizer.chat_template")) {
        const auto *text = std::get_if<std::string>(value);
        if (!text) fail(QUANT_ERR_TOKENIZER, "{}: tokenizer.chat_template must be a string", keys.file());
        spec.chat_template = *text;
    }
    read_model_quirks(metadata, spec);
    collect_end_of_turn(spec);
    return spec;
}

void write_gguf_tokenizer(const TokenizerSpec &spec, Metadata &metadata) {
    const bool is_byte_level = spec.model == TokenizerModel::byte_bpe;
    if (is_byte_level && spec.pre.empty() && !spec.splits.empty())
        fail(QUANT_ERR_UNSUPPORTED, "{}: GGUF has no name for this tokenizer's way to split texts ({})", spec.name,
             printable(spec.splits.front().pattern));
    warn_of_losses(spec);
    for (const std::string_view key : all_keys) metadata.erase(KeyReader::full(key));
    for (const OwnFlag &flag : own_flags) metadata.erase(flag.key);
    metadata.erase("tokenizer.chat_template");

    const auto set = [&](std::string_view key, MetadataValue value) { metadata.set(KeyReader::full(key), std::move(value)); };
    set("model", std::string(model_name(spec.model)));
    set("pre", is_byte_level && !spec.pre.empty() ? spec.pre : std::string("default"));
    set("tokens", array_of(written_tokens(spec)));
    std::vector<int32_t> kinds(spec.tokens.size(), static_cast<int32_t>(TokenKind::normal));
    std::transform(spec.kinds.begin(), spec.kinds.end(), kinds.begin(), [](TokenKind kind) { return static_cast<int32_t>(kind); });
    set("token_type", array_of(std::move(kinds)));
    if (has_scores(spec)) set("scores", array_of(spec.scores));
    if (is_byte_level || spec.merge_by_rank) set("merges", array_of(spec.merges));
    for (const OwnFlag &flag : own_flags)
        if (!is_byte_level && spec.*flag.field) metadata.set(flag.key, true);
    for (const IdKey &known : id_keys)
        if (const auto &id = spec.*known.field) set(known.key, static_cast<uint32_t>(*id));
    if (!spec.end_of_turn.empty()) set("eot_token_id", static_cast<uint32_t>(spec.end_of_turn.front()));
    if (spec.model == TokenizerModel::word_piece) write_word_piece(spec, metadata);
    set("add_bos_token", spec.add_bos);
    set("add_eos_token", spec.add_eos);
    if (!is_byte_level || spec.add_space_prefix) set("add_space_prefix", spec.add_space_prefix);
    if (spec.model == TokenizerModel::unigram)
        set("remove_extra_whitespaces", spec.remove_extra_whitespaces || spec.white_space_split);
    if (!spec.charsmap.empty())
        set("precompiled_charsmap", array_of(std::vector<uint8_t>(spec.charsmap.begin(), spec.charsmap.end())));
    if (!spec.chat_template.empty()) metadata.set("tokenizer.chat_template", spec.chat_template);
}

} // namespace quant
