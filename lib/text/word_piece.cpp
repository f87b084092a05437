// WordPiece, the tokenizer of BERT: words between white space, each mark of punctuation a word by itself, and
// of each word the longest token that begins it, then the longest that continues it ("##ing"), and so on. A word
// that no tokens make up, or of too many characters, is one unknown token.
#include "text/char_class.h"
#include "text/text_tokenizer.h"
#include "text/word_piece_marks.h"

#include "base/error.h"

namespace quant {

namespace {

constexpr size_t max_word_bytes = 4096;

// What joining tokens with spaces leaves behind, and what it becomes.
struct Joint {
    std::string_view from, to;
};
constexpr Joint joints[] = {{" .", "."},     {" ?", "?"},          {" !", "!"},     {" ,", ","},
                                        {" n't", "n't"}, {" 'm", "'m"},        {" 's", "'s"},   {" 've", "'ve"},
                                        {" 're", "'re"}, {" do not", " don't"}};

// Marks of ASCII count as punctuation whatever Unicode says of them.
bool is_punctuation(chars::Glyph g) {
    const uint32_t c = g.code_point;
    const bool ascii = (c >= 33 && c <= 47) || (c >= 58 && c <= 64) || (c >= 91 && c <= 96) || (c >= 123 && c <= 126);
    return ascii || g.is(chars::punctuation);
}

class WordPiece final : public TextTokenizer {
public:
    explicit WordPiece(TokenizerSpec spec) : TextTokenizer(std::move(spec)) {
        if (!spec_.unknown) fail(QUANT_ERR_TOKENIZER, "{}: a vocabulary of this kind needs an unknown token", spec_.name);
        for (const auto &[text, id] : text_vocabulary(spec_)) {
            if (text.size() > max_word_bytes)
                fail(QUANT_ERR_TOKENIZER, "{}: token {} has {} bytes, more than {}", spec_.name, id, text.size(),
                     max_word_bytes);
            const bool continues = text.size() > continuation.size() && text.starts_with(continuation);
            if (continues) continuing_.add(text.substr(continuation.size()), id);
            else beginning_.add(text, id);
        }
    }

private:
    void encode_text(std::string_view text, bool, Call &call) const override {
        const auto &table = chars::Table::get();
        size_t begin = 0, characters = 0; // Of the word that is read.
        const auto end_word = [&](size_t end) {
            const std::string_view word = text.substr(begin, end - begin);
            if (characters > spec_.max_word_characters) call.ids.push_back(*spec_.unknown);
            else if (characters > 0) call.cache.append(word, call.ids, [&] { encode_word(word, call.ids); });
            characters = 0;
        };
        for (size_t at = 0; at < text.size();) {
            const chars::Glyph g = table.read(text, at);
            const bool alone = is_punctuation(g), separates = g.is(chars::space);
            if (alone || separates) end_word(at), begin = at;
            at += g.bytes;
            if (separates) begin = at;
            else characters++;
            if (alone) end_word(at), begin = at;
        }
        end_word(text.size());
    }

    void encode_word(std::string_view word, std::vector<int32_t> &ids) const {
        const size_t before = ids.size();
        for (size_t at = 0; at < word.size();) {
            const auto [id, bytes] = longest(at == 0 ? beginning_ : continuing_, word.substr(at));
            if (id == ByteTrie::none) {
                ids.resize(before);
                ids.push_back(*spec_.unknown);
                return;
            }
            ids.push_back(id);
            at += bytes;
        }
    }

    struct Found {
        int32_t id;
        size_t bytes;
    };
    static Found longest(const ByteTrie &trie, std::string_view text) {
        Found found{ByteTrie::none, 0};
        uint32_t node = 0;
        for (size_t i = 0; i < text.size(); ++i) {
            node = trie.child(node, static_cast<uint8_t>(text[i]));
            if (node == 0) break;
            if (const int32_t id = trie.value(node); id != ByteTrie::none) found = {id, i + 1};
        }
        return found;
    }

    std::string bytes_of(int32_t id) const override {
        const std::string &token = spec_.tokens[static_cast<size_t>(id)];
        return token.starts_with(continuation) ? token.substr(continuation.size()) : contracted(' ' + token);
    }
    std::string first_bytes_of(int32_t id) const override { return spec_.tokens[static_cast<size_t>(id)]; }
    std::string special_text_of(int32_t id, bool is_first) const override {
        return (is_first ? "" : " ") + spec_.tokens[static_cast<size_t>(id)];
    }

    static std::string contracted(std::string text) {
        for (const Joint &c : joints)
            if (const size_t at = text.find(c.from); at != std::string::npos) text.replace(at, c.from.size(), c.to);
        return text;
    }

    ByteTrie beginning_, continuing_;
};

} // namespace

std::shared_ptr<const Tokenizer> make_word_piece(TokenizerSpec spec) { return std::make_shared<WordPiece>(std::move(spec)); }

} // namespace quant
