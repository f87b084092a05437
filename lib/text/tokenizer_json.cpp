// tokenizer.json, the format of the `tokenizers` library: the model with its
// vocabulary and merges, and the added tokens. The other parts are in
// tokenizer_json_parts.cpp.
#include "base/error.h"
#include "base/file.h"
#include "text/byte_alphabet.h"
#include "text/token_roles.h"
#include "text/tokenizer_json_parts.h"
#include "text/word_piece_marks.h"

#include <algorithm>

namespace quant {

namespace {

constexpr uint64_t max_file_bytes = 512U << 20;
constexpr uint64_t max_id = 1U << 24;
constexpr uint64_t max_word_characters = 1U << 20;
constexpr uint64_t max_gap = 1U << 20; ///< Ids that no token has.

// Tokens by id while they are collected; gaps become unused tokens.
class VocabularyBuilder {
public:
    explicit VocabularyBuilder(TokenizerSpec &spec) : spec_(spec) {}

    void place(uint64_t id, std::string_view text, TokenKind kind) {
        if (id > max_id)
            fail(QUANT_ERR_TOKENIZER, "{}: token '{}' has id {}, more than {}", spec_.name, printable(text), id, max_id);
        if (id >= spec_.tokens.size()) {
            spec_.tokens.resize(id + 1);
            spec_.kinds.resize(id + 1, TokenKind::unused);
            taken_.resize(id + 1, false);
        }
        if (taken_[id] && spec_.tokens[id] != text)
            fail(QUANT_ERR_TOKENIZER, "{}: id {} belongs to '{}' and to '{}'", spec_.name, id,
                 printable(spec_.tokens[id]), printable(text));
        taken_count_ += taken_[id] ? 0 : 1;
        taken_[id] = true;
        spec_.tokens[id] = text;
        spec_.kinds[id] = kind;
    }

    void fill_gaps() {
        if (spec_.tokens.size() - taken_count_ > max_gap)
            fail(QUANT_ERR_TOKENIZER, "{}: {} ids up to {} belong to no token", spec_.name,
                 spec_.tokens.size() - taken_count_, spec_.tokens.size());
        for (size_t id = 0; id < taken_.size(); ++id)
            if (!taken_[id]) spec_.tokens[id] = fmt::format("[PAD{}]", id);
        if (!spec_.scores.empty()) spec_.scores.resize(spec_.tokens.size(), 0.0F);
    }

private:
    TokenizerSpec &spec_;
    std::vector<bool> taken_;
    size_t taken_count_ = 0;
};

std::string_view text_of(const json::value &v, const TokenizerSpec &spec, std::string_view key) {
    if (!v.is_string()) fail(QUANT_ERR_TOKENIZER, "{}: {} must hold strings", spec.name, key);
    return {v.get_string().data(), v.get_string().size()};
}

uint64_t id_of(const json::value &v, const TokenizerSpec &spec, std::string_view key) {
    if (v.is_uint64()) return v.get_uint64();
    if (v.is_int64() && v.get_int64() >= 0) return static_cast<uint64_t>(v.get_int64());
    fail(QUANT_ERR_TOKENIZER, "{}: {} must give ids that are not negative", spec.name, key);
}

std::string merge_line(const json::value &merge, const TokenizerSpec &spec) {
    if (merge.is_string()) return std::string(text_of(merge, spec, "model.merges"));
    if (!merge.is_array() || merge.get_array().size() != 2)
        fail(QUANT_ERR_TOKENIZER, "{}: model.merges must hold pairs of tokens", spec.name);
    const std::string_view left = text_of(merge.get_array()[0], spec, "model.merges");
    const std::string_view right = text_of(merge.get_array()[1], spec, "model.merges");
    if (left.empty() || left.find(' ') != std::string_view::npos || right.find(' ') != std::string_view::npos)
        fail(QUANT_ERR_UNSUPPORTED, "{}: a merge of tokens that are empty or hold spaces ('{}', '{}')", spec.name,
             printable(left), printable(right));
    return std::string(left) + ' ' + std::string(right);
}

void read_bpe(const json::Reader &tokenizer, const json::Reader &model, VocabularyBuilder &vocabulary,
              TokenizerSpec &spec) {
    for (const char *key : {"continuing_subword_prefix", "end_of_word_suffix"})
        if (!model.get_string(key, "").empty())
            fail(QUANT_ERR_UNSUPPORTED, "{}: BPE with model.{}", spec.name, key);
    const bool is_byte_level = has_part(tokenizer, "pre_tokenizer", "ByteLevel") || has_part(tokenizer, "decoder", "ByteLevel");
    spec.model = is_byte_level ? TokenizerModel::byte_bpe : TokenizerModel::sentencepiece_bpe;
    spec.merge_by_rank = !is_byte_level;
    spec.byte_fallback = model.get_bool("byte_fallback", false);
    spec.fuse_unknown = model.get_bool("fuse_unk", false);
    spec.ignore_merges = model.get_bool("ignore_merges", false);
    for (const auto &[text, id] : model.require_object("vocab").raw()) {
        const std::string_view token(text.data(), text.size());
        const bool is_byte = spec.byte_fallback && parse_byte_token(token);
        vocabulary.place(id_of(id, spec, "model.vocab"), token, is_byte ? TokenKind::byte : TokenKind::normal);
    }
    for (const json::value &merge : model.require_array("merges")) spec.merges.push_back(merge_line(merge, spec));
    spec.unknown = find_token(spec, model.get_string("unk_token", ""));
}

void read_unigram(const json::Reader &model, VocabularyBuilder &vocabulary, TokenizerSpec &spec) {
    spec.model = TokenizerModel::unigram;
    spec.byte_fallback = model.get_bool("byte_fallback", false);
    spec.fuse_unknown = true;
    const json::array &pieces = model.require_array("vocab");
    for (size_t id = 0; id < pieces.size(); ++id) {
        if (!pieces[id].is_array() || pieces[id].get_array().size() != 2 || !pieces[id].get_array()[1].is_number())
            fail(QUANT_ERR_TOKENIZER, "{}: model.vocab must hold pairs of token and score", spec.name);
        const json::array &pair = pieces[id].get_array();
        const std::string_view token = text_of(pair[0], spec, "model.vocab");
        const bool is_byte = spec.byte_fallback && parse_byte_token(token);
        vocabulary.place(id, token, is_byte ? TokenKind::byte : TokenKind::normal);
        spec.scores.push_back(static_cast<float>(pair[1].to_number<double>()));
    }
    if (!model.has("unk_id")) return;
    const uint64_t unknown = model.require_uint("unk_id");
    if (unknown >= spec.tokens.size())
        fail(QUANT_ERR_TOKENIZER, "{}: model.unk_id {} is outside the vocabulary of {}", spec.name, unknown,
             spec.tokens.size());
    spec.unknown = static_cast<int32_t>(unknown);
}

void read_word_piece(const json::Reader &model, VocabularyBuilder &vocabulary, TokenizerSpec &spec) {
    spec.model = TokenizerModel::word_piece;
    if (const std::string prefix = model.get_string("continuing_subword_prefix", std::string(continuation));
        prefix != continuation)
        fail(QUANT_ERR_UNSUPPORTED, "{}: model.continuing_subword_prefix is '{}', expected '{}'", spec.name,
             printable(prefix), continuation);
    if (model.has("max_input_chars_per_word")) {
        const uint64_t most = model.require_uint("max_input_chars_per_word");
        if (most > max_word_characters)
            fail(QUANT_ERR_TOKENIZER, "{}: model.max_input_chars_per_word is {}, more than {}", spec.name, most,
                 max_word_characters);
        spec.max_word_characters = static_cast<uint32_t>(most);
    }
    for (const auto &[text, id] : model.require_object("vocab").raw())
        vocabulary.place(id_of(id, spec, "model.vocab"), {text.data(), text.size()}, TokenKind::normal);
    spec.unknown = find_token(spec, model.get_string("unk_token", "[UNK]"));
}

// Scores by which other programs, which know no ranks, merge as the merges say.
void scores_from_merges(TokenizerSpec &spec) {
    constexpr float never = -1e9F;
    spec.scores.assign(spec.tokens.size(), 0.0F);
    std::unordered_map<std::string_view, size_t> ids;
    for (size_t id = 0; id < spec.tokens.size(); ++id) {
        ids.emplace(spec.tokens[id], id);
        if (spec.kinds[id] == TokenKind::normal) spec.scores[id] = never;
    }
    for (size_t rank = 0; rank < spec.merges.size(); ++rank) {
        std::string joined = spec.merges[rank];
        joined.erase(joined.find(' ', 1), 1);
        const auto found = ids.find(joined);
        if (found != ids.end() && spec.scores[found->second] == never)
            spec.scores[found->second] = -static_cast<float>(rank);
    }
}

void read_added_tokens(const json::Reader &tokenizer, VocabularyBuilder &vocabulary, TokenizerSpec &spec) {
    if (!tokenizer.has("added_tokens")) return;
    for (const json::value &item : tokenizer.require_array("added_tokens")) {
        const json::Reader token(item, spec.name + ": added_tokens");
        const std::string text = token.require_string("content");
        const uint64_t id = token.require_uint("id");
        const bool is_special = token.get_bool("special", false);
        const bool is_unknown = is_special && spec.unknown && static_cast<uint64_t>(*spec.unknown) == id;
        vocabulary.place(id, text,
                         is_unknown ? TokenKind::unknown : is_special ? TokenKind::control : TokenKind::user_defined);
        const AddedToken flags{static_cast<int32_t>(id), token.get_bool("single_word", false),
                               token.get_bool("lstrip", false), token.get_bool("rstrip", false),
                               token.get_bool("normalized", !is_special)};
        if (flags.single_word || flags.lstrip || flags.rstrip || flags.normalized) spec.added.push_back(flags);
    }
}

} // namespace

TokenizerSpec read_tokenizer_json(const std::filesystem::path &file_or_folder, const FileSource &files) {
    const bool is_folder = files.has_folder(file_or_folder);
    const auto file = is_folder ? file_or_folder / "tokenizer.json" : file_or_folder;
    const auto list = file_or_folder / "vocab.txt";
    if (is_folder && !files.has_file(file) && files.has_file(list)) return read_vocabulary_txt(list, files);
    const std::string text = files.text(file, max_file_bytes);
    const json::value document = json::parse(text, file.string());
    const json::Reader tokenizer(document, file.string());
    const json::Reader model = tokenizer.require_object("model");

    TokenizerSpec spec;
    spec.name = file.string();
    VocabularyBuilder vocabulary(spec);
    const std::string type = model.get_string("type", "BPE");
    if (type == "BPE") read_bpe(tokenizer, model, vocabulary, spec);
    else if (type == "Unigram") read_unigram(model, vocabulary, spec);
    else if (type == "WordPiece") read_word_piece(model, vocabulary, spec);
    else fail(QUANT_ERR_UNSUPPORTED, "{}: tokenizers of type '{}' are not known", spec.name, printable(type));
    read_added_tokens(tokenizer, vocabulary, spec);
    vocabulary.fill_gaps();
    if (spec.tokens.empty()) fail(QUANT_ERR_TOKENIZER, "{}: the vocabulary has no tokens", spec.name);
    if (spec.model == TokenizerModel::sentencepiece_bpe) scores_from_merges(spec);
    read_text_parts(tokenizer, spec);
    const bool has_template = read_post_processor(tokenizer, spec);
    read_tokenizer_config(file.parent_path(), has_template, spec, files);
    collect_end_of_turn(spec);
    return spec;
}

} // namespace quant
