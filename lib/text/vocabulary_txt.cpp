// vocab.txt, the older form of WordPiece vocabularies: a token a line, its number the id. What
// tokenizer.json would say besides stands in tokenizer_config.json.
#include "base/error.h"
#include "text/token_roles.h"
#include "text/tokenizer_json_parts.h"
#include "text/word_piece_marks.h"

namespace quant {

namespace {

constexpr uint64_t max_file_bytes = 64U << 20;
constexpr std::string_view special_names[] = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"};

void read_lines(std::string_view text, TokenizerSpec &spec) {
    while (!text.empty()) {
        const size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        if (line.ends_with('\r')) line.remove_suffix(1);
        spec.tokens.emplace_back(line);
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    spec.kinds.assign(spec.tokens.size(), TokenKind::normal);
}

BertNormalizing read_normalizing(const std::filesystem::path &folder, const FileSource &files) {
    BertNormalizing what;
    const auto file = folder / "tokenizer_config.json";
    if (!files.has_file(file)) return what;
    const json::value document = json::parse(files.text(file, max_file_bytes), file.string());
    const json::Reader config(document, file.string());
    what.lowercase = config.get_bool("do_lower_case", true);
    what.strip_accents = config.get_bool("strip_accents", what.lowercase);
    what.space_han = config.get_bool("tokenize_chinese_chars", true);
    return what;
}

} // namespace

TokenizerSpec read_vocabulary_txt(const std::filesystem::path &file, const FileSource &files) {
    TokenizerSpec spec;
    spec.name = file.string();
    spec.model = TokenizerModel::word_piece;
    read_lines(files.text(file, max_file_bytes), spec);
    if (spec.tokens.empty()) fail(QUANT_ERR_TOKENIZER, "{}: the vocabulary has no tokens", spec.name);
    for (const std::string_view name : special_names)
        if (const auto id = find_token(spec, name)) spec.kinds[static_cast<size_t>(*id)] = TokenKind::control;
    spec.unknown = find_token(spec, "[UNK]");
    if (spec.unknown) spec.kinds[static_cast<size_t>(*spec.unknown)] = TokenKind::unknown;
    const auto begin = find_token(spec, "[CLS]"), end = find_token(spec, "[SEP]");
    if (!spec.unknown || !begin || !end)
        fail(QUANT_ERR_TOKENIZER, "{}: one of the tokens [UNK], [CLS] and [SEP] is missing", spec.name);
    spec.prefix_ids = {*begin}, spec.suffix_ids = {*end};
    add_bert_normalizer(read_normalizing(file.parent_path(), files), spec);
    read_tokenizer_config(file.parent_path(), true, spec, files);
    return spec;
}

} // namespace quant
