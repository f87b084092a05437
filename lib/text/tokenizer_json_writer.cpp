// Source: the format of the `tokenizers` library, and how `transformers` writes the two kinds of vocabularies: byte-level
// BPE behind splits by regexes, and SentencePiece's BPE as merges over text whose spaces are U+2581.
#include "text/tokenizer_json_writer.h"

#include "base/error.h"
#include "base/json.h"
#include "base/utf8.h"
#include "text/pretokenizer.h"
#include "text/tokenizer_json_parts.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>

namespace quant {

namespace {

[[noreturn]] void no_words_for(const TokenizerSpec &spec, const std::string &what) {
    fail(QUANT_ERR_UNSUPPORTED, "{}: the tokenizer cannot be written as tokenizer.json: {}", spec.name, what);
}

TokenKind kind_of(const TokenizerSpec &spec, size_t id) { return spec.kinds.empty() ? TokenKind::normal : spec.kinds[id]; }

json::value null_or(const TokenizerSpec &spec, const std::optional<int32_t> &id) {
    return id ? json::value(spec.tokens[static_cast<size_t>(*id)]) : json::value(nullptr);
}

// Ids that no text becomes have no entry; whoever reads it counts the rows of the embedding.
json::object vocabulary(const TokenizerSpec &spec) {
    json::object out;
    out.reserve(spec.tokens.size());
    for (size_t id = 0; id < spec.tokens.size(); id++) {
        if (kind_of(spec, id) == TokenKind::unused) continue;
        const std::string &token = spec.tokens[id];
        if (!is_utf8(token)) no_words_for(spec, fmt::format("token {} is no UTF-8", id));
        if (!out.emplace(token, id).second) no_words_for(spec, fmt::format("token {} has the text of another, \"{}\"", id, printable(token)));
    }
    return out;
}

json::array added_tokens(const TokenizerSpec &spec) {
    json::array out;
    for (size_t id = 0; id < spec.tokens.size(); id++) {
        const TokenKind kind = kind_of(spec, id);
        const bool is_special = kind == TokenKind::control || kind == TokenKind::unknown;
        if (!is_special && kind != TokenKind::user_defined) continue;
        AddedToken flags;
        for (const AddedToken &a : spec.added)
            if (a.id == static_cast<int32_t>(id)) flags = a;
        out.push_back(json::object{{"id", id}, {"content", spec.tokens[id]}, {"single_word", flags.single_word}, {"lstrip", flags.lstrip},
                                   {"rstrip", flags.rstrip}, {"normalized", flags.normalized}, {"special", is_special}});
    }
    return out;
}

json::object split_of(const std::string &pattern) {
    return {{"type", "Split"}, {"pattern", json::object{{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}};
}

json::object byte_level(bool add_prefix_space) {
    return {{"type", "ByteLevel"}, {"add_prefix_space", add_prefix_space}, {"trim_offsets", true}, {"use_regex", false}};
}

json::value byte_level_splits(const TokenizerSpec &spec) {
    const PreTokenizerName *known = find_pre_tokenizer(spec.pre);
    if (!known || !spec.splits.empty()) no_words_for(spec, "its way to split texts has no name");
    json::array steps;
    for (const std::string_view step : known->steps)
        steps.push_back(split_of(step.starts_with('@') ? std::string(pattern_of_word_splitter(step.substr(1))) : std::string(step)));
    if (spec.add_space_prefix) {
        if (steps.size() != 1) no_words_for(spec, "it puts a space in front of texts before it splits them");
        // This one's own regex is the only one that sees the space.
        if (splitter_key(known->steps[0]) != "@gpt-2" && known->steps[0] != "@gpt-2")
            no_words_for(spec, "it puts a space in front of texts before it splits them");
        json::object alone = byte_level(true);
        alone["use_regex"] = true;
        return alone;
    }
    steps.push_back(byte_level(false));
    return json::object{{"type", "Sequence"}, {"pretokenizers", std::move(steps)}};
}

// SentencePiece joins the neighbours whose token has the best score; as merges, those of a better token come first.
json::array merges_from_scores(const TokenizerSpec &spec) {
    std::unordered_map<std::string_view, size_t> ids;
    for (size_t id = 0; id < spec.tokens.size(); id++)
        if (kind_of(spec, id) == TokenKind::normal && spec.tokens[id].find(' ') == std::string::npos) ids.emplace(spec.tokens[id], id);
    struct Merge {
        float score;
        size_t left, right;
    };
    std::vector<Merge> merges;
    for (const auto &[token, id] : ids)
        for (size_t cut = 1; cut < token.size(); cut++) {
            if ((static_cast<unsigned char>(token[cut]) & 0xC0) == 0x80) continue; // Within a character.
            const auto left = ids.find(token.substr(0, cut)), right = ids.find(token.substr(cut));
            if (left != ids.end() && right != ids.end()) merges.push_back({spec.scores[id], left->second, right->second});
        }
    std::sort(merges.begin(), merges.end(), [](const Merge &a, const Merge &b) {
        return std::tuple(-a.score, a.left, a.right) < std::tuple(-b.score, b.left, b.right);
    });
    json::array out;
    out.reserve(merges.size());
    for (const Merge &m : merges) out.push_back(json::string(spec.tokens[m.left] + " " + spec.tokens[m.right]));
    return out;
}

json::array merges_of(const TokenizerSpec &spec) {
    if (spec.model == TokenizerModel::sentencepiece_bpe && !spec.merge_by_rank) return merges_from_scores(spec);
    json::array out;
    out.reserve(spec.merges.size());
    for (const std::string &merge : spec.merges) out.push_back(json::string(merge));
    return out;
}

json::object replacement(std::string_view from, std::string_view to) {
    return {{"type", "Replace"}, {"pattern", json::object{{"String", from}}}, {"content", to}};
}

json::object in_sequence(const char *key, json::array steps) { return {{"type", "Sequence"}, {key, std::move(steps)}}; }

void write_sentencepiece_text(const TokenizerSpec &spec, json::object &out) {
    if (!spec.charsmap.empty() || !spec.normalizer.empty() || spec.remove_extra_whitespaces || spec.white_space_split)
        no_words_for(spec, "it normalizes texts in a way of its own");
    json::array decoders{replacement(space_mark, " "), json::object{{"type", "ByteFallback"}}, json::object{{"type", "Fuse"}}};
    if (spec.split_words || (spec.add_space_prefix && spec.space_prefix != SpacePrefix::always)) {
        const char *scheme = !spec.add_space_prefix ? "never" : spec.space_prefix == SpacePrefix::first ? "first" : "always";
        out["normalizer"] = nullptr;
        out["pre_tokenizer"] = json::object{
            {"type", "Metaspace"}, {"replacement", space_mark}, {"prepend_scheme", scheme}, {"split", spec.split_words}};
    } else {
        json::array steps;
        if (spec.add_space_prefix) steps.push_back(json::object{{"type", "Prepend"}, {"prepend", space_mark}});
        steps.push_back(replacement(" ", space_mark));
        out["normalizer"] = in_sequence("normalizers", std::move(steps));
        out["pre_tokenizer"] = nullptr;
    }
    if (spec.add_space_prefix)
        decoders.push_back(json::object{{"type", "Strip"}, {"content", " "}, {"start", 1}, {"stop", 0}});
    out["decoder"] = in_sequence("decoders", std::move(decoders));
}

void write_byte_level_text(const TokenizerSpec &spec, json::object &out) {
    if (!spec.normalizer.empty()) no_words_for(spec, "it normalizes texts in a way of its own");
    out["normalizer"] = nullptr;
    out["pre_tokenizer"] = byte_level_splits(spec);
    out["decoder"] = byte_level(true);
}

// What goes around a text.
json::value post_processor(const TokenizerSpec &spec) {
    std::vector<int32_t> before = spec.prefix_ids, after = spec.suffix_ids;
    if (before.empty() && spec.add_bos && spec.bos) before.push_back(*spec.bos);
    if (after.empty() && spec.add_eos && spec.eos) after.push_back(*spec.eos);
    if (before.empty() && after.empty()) return nullptr;
    json::object special;
    const auto put = [&](json::array &to, const std::vector<int32_t> &ids, int type) {
        for (const int32_t id : ids) {
            const std::string &token = spec.tokens[static_cast<size_t>(id)];
            to.push_back(json::object{{"SpecialToken", json::object{{"id", token}, {"type_id", type}}}});
            special[token] = json::object{{"id", token}, {"ids", json::array{id}}, {"tokens", json::array{json::value(token)}}};
        }
    };
    const auto around = [&](json::array &to, const char *name, int type) {
        put(to, before, type);
        to.push_back(json::object{{"Sequence", json::object{{"id", name}, {"type_id", type}}}});
        put(to, after, type);
    };
    json::array single, pair;
    around(single, "A", 0);
    around(pair, "A", 0), around(pair, "B", 1);
    return json::object{{"type", "TemplateProcessing"}, {"single", std::move(single)}, {"pair", std::move(pair)},
                        {"special_tokens", std::move(special)}};
}

std::string tokenizer_json(const TokenizerSpec &spec) {
    const bool is_byte_level = spec.model == TokenizerModel::byte_bpe;
    json::object out{{"version", "1.0"}, {"truncation", nullptr}, {"padding", nullptr}, {"added_tokens", added_tokens(spec)}};
    if (is_byte_level) write_byte_level_text(spec, out);
    else write_sentencepiece_text(spec, out);
    out["post_processor"] = post_processor(spec);
    const bool has_bytes = std::find(spec.kinds.begin(), spec.kinds.end(), TokenKind::byte) != spec.kinds.end();
    out["model"] = json::object{{"type", "BPE"},
                                {"dropout", nullptr},
                                {"unk_token", is_byte_level ? json::value(nullptr) : null_or(spec, spec.unknown)},
                                {"continuing_subword_prefix", nullptr},
                                {"end_of_word_suffix", nullptr},
                                {"fuse_unk", !is_byte_level},
                                {"byte_fallback", !is_byte_level && has_bytes},
                                {"ignore_merges", spec.ignore_merges},
                                {"vocab", vocabulary(spec)},
                                {"merges", merges_of(spec)}};
    return json::serialize(out);
}

std::string tokenizer_config(const TokenizerSpec &spec, uint64_t context) {
    json::object out{{"tokenizer_class", "PreTrainedTokenizerFast"},
                     {"add_bos_token", spec.add_bos},
                     {"add_eos_token", spec.add_eos},
                     {"bos_token", null_or(spec, spec.bos)},
                     {"eos_token", null_or(spec, spec.eos)},
                     {"pad_token", null_or(spec, spec.pad)},
                     {"unk_token", null_or(spec, spec.unknown)},
                     {"clean_up_tokenization_spaces", false},
                     {"model_max_length", context}};
    if (!spec.chat_template.empty()) out["chat_template"] = spec.chat_template;
    return json::serialize(out) + "\n";
}

std::string generation_config(const TokenizerSpec &spec) {
    json::object out;
    if (spec.bos) out["bos_token_id"] = *spec.bos;
    if (spec.pad) out["pad_token_id"] = *spec.pad;
    if (spec.end_of_turn.empty()) {
        if (spec.eos) out["eos_token_id"] = *spec.eos;
        return json::serialize(out) + "\n";
    }
    json::array ends;
    if (spec.eos) ends.push_back(*spec.eos);
    ends.insert(ends.end(), spec.end_of_turn.begin(), spec.end_of_turn.end());
    out["eos_token_id"] = std::move(ends);
    return json::serialize(out) + "\n";
}

} // namespace

TokenizerFiles write_tokenizer_files(const TokenizerSpec &spec, uint64_t context) {
    if (spec.model != TokenizerModel::byte_bpe && spec.model != TokenizerModel::sentencepiece_bpe)
        no_words_for(spec, "only BPE is written");
    return {tokenizer_json(spec), tokenizer_config(spec, context), generation_config(spec)};
}

} // namespace quant
