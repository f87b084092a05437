// What all tokenizers share: special and added tokens are cut out of the text, the
// rest is normalized and handed to the model. Inside lib/text only.
#pragma once

#include "text/added_tokens.h"
#include "text/normalizer.h"
#include "text/piece_cache.h"
#include "text/symbol_merge.h"
#include "text/tokenizer.h"

#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace quant {

class TextTokenizer : public Tokenizer {
public:
    std::vector<int32_t> encode(std::string_view text, const TokenizeOptions &options) const override;
    std::string decode(std::span<const int32_t> ids, bool skip_special) const override;
    std::string piece(int32_t id) const override;

protected:
    explicit TextTokenizer(TokenizerSpec spec);

    /// What one call of encode() works with.
    struct Call {
        explicit Call(size_t text_bytes) : budget(text_bytes), cache(text_bytes) {}
        std::vector<int32_t> ids;
        SplitBudget budget;
        PieceCache cache;
        SymbolMerger merger;
        std::deque<std::string> texts; ///< Changed texts; they stay, since the cache points into them.
    };
    /// Append the ids of a stretch without added tokens; `at_start`: the text begins with it.
    virtual void encode_text(std::string_view text, bool at_start, Call &call) const = 0;
    /// The bytes of a token that is not special.
    virtual std::string bytes_of(int32_t id) const = 0;
    /// The same where it is the first of a text, and the whole text's last change.
    virtual std::string first_bytes_of(int32_t id) const { return bytes_of(id); }
    virtual void finish_decoding(std::string &) const {}
    /// What decoding gives for a special token that is not left out.
    virtual std::string special_text_of(int32_t id, bool) const { return spec_.tokens[static_cast<size_t>(id)]; }

    TokenKind kind(int32_t id) const {
        return spec_.kinds.empty() ? TokenKind::normal : spec_.kinds[static_cast<size_t>(id)];
    }
    bool is_special(int32_t id) const { return kind(id) == TokenKind::control || kind(id) == TokenKind::unknown; }
    void check_id(int32_t id) const;

private:
    Normalizer normalizer_;
    AddedTokens added_;
};

/// The tokens that merging or searching a text may give, by text: no special tokens, no
/// byte tokens. Views into `spec`.
std::unordered_map<std::string_view, int32_t> text_vocabulary(const TokenizerSpec &spec);

std::shared_ptr<const Tokenizer> make_byte_bpe(TokenizerSpec spec);
std::shared_ptr<const Tokenizer> make_sentencepiece_bpe(TokenizerSpec spec);
std::shared_ptr<const Tokenizer> make_unigram(TokenizerSpec spec);
std::shared_ptr<const Tokenizer> make_word_piece(TokenizerSpec spec);

} // namespace quant
